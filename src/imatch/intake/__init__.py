"""Pages where a seeker says what they need: home, questions, check."""
