"""Pages of the POT economy: wallet, redemptions, the operators' economy."""
