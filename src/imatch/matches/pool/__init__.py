"""Ranking pools kept in step with the database."""
