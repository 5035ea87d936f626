"""The providers of a category as columns of numbers."""
