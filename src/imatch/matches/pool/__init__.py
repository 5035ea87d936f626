"""Ranking pools that follow the database."""
