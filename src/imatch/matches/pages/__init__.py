"""Pages of matches: the finding walk, the shortlist, why, compare."""
