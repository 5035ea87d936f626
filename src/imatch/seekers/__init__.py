"""People who need a professional, and what they said they need."""
