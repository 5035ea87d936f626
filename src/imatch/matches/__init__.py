"""Who fits whom, why, and what became of it."""
