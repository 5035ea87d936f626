"""Needs: what seekers look for, in one category each."""
