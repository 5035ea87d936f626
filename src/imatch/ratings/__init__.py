"""Ratings that both sides of a finished engagement give each other."""
