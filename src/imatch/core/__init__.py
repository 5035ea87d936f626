"""What every other part stands on: settings, database, errors, clock. It knows no business word."""
