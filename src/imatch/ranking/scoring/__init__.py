"""Scores of candidates, and their order."""
