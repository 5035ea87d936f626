"""Rules that a provider passes or fails."""
