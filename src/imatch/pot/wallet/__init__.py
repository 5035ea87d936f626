"""What a person has, had and may do with their POT."""
