"""Professionals: their profiles, their room, their approval."""
