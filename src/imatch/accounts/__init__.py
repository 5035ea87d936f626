"""Users: sign-up, sign-in, sessions, roles, API keys."""
