"""Decisions that take two operators."""
