"""Seal finished ranges of a journal."""
