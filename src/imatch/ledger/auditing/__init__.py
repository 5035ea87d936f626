"""Prove the books from their rows."""
