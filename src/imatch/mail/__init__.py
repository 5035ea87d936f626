"""E-mail out of the product."""
