"""Providers: their profiles, the approval of profiles, and boosts."""
