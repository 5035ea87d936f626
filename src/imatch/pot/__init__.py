"""The POT token."""
