"""Monetary policy: the economy's numbers and each week's decision."""
