"""The economy in figures, its health, and its dashboard."""
