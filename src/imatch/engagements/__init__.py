"""Engagements: work that a seeker and a provider agreed on."""
