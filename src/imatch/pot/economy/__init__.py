"""The economy's figures, health indicators and dashboard."""
