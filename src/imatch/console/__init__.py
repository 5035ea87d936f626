"""The operators' overview page."""
