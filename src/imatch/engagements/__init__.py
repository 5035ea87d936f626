"""Work agreed between a seeker and a provider."""
