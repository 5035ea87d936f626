"""What POT can be spent on, and orders."""
