"""Lists and places for POT."""
