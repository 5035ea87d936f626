"""Pages of matches: shortlist, why, compare."""
