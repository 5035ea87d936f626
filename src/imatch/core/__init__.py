"""The foundation: settings, database, errors, clock. Independent of every domain."""
