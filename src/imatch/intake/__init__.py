"""Pages where a seeker states their need: home, questions, check."""
