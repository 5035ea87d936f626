"""The facts that domains announce and listen to."""
