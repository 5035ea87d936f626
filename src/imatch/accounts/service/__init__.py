"""Verbs that write accounts, one module for each thing that people do."""
