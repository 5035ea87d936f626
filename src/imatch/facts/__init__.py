"""Everything that can happen, as facts that domains announce and listen to."""
