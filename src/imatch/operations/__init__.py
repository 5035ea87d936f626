"""Setting up, importing, backing up."""
