"""What each side says of a finished engagement."""
