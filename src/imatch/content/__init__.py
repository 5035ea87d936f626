"""What members publish for others."""
