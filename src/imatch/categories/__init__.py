"""Categories: one TOML file is one kind of professional."""
