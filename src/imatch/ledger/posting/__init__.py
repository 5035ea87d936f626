"""Add movements to the journals."""
