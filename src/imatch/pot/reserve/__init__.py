"""The reserve: paid commission that covers redemptions."""
