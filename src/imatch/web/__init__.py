"""The toolkit of endpoints: dependencies, rendering, errors, limits."""
