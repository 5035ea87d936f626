"""Rate limits for sensitive actions, such as signing in."""
