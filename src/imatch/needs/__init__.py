"""What people who need a professional said they need."""
