"""Explanations as they are stored and shown."""
