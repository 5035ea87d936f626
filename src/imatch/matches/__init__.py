"""Shortlists and matches: who fits a need, and why."""
