"""Content that users publish for others."""
