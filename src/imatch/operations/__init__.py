"""Operation of the service: migrations, set-up, health, demo data, simulation."""
