"""Referrals: which user invited which."""
