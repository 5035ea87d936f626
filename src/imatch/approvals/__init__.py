"""Acts that take two operators."""
