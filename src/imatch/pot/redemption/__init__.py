"""Redeem POT for dollars."""
