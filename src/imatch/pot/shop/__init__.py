"""Spend POT: the catalog, purchases and orders."""
