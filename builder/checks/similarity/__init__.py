"""Exact search for texts that are nearly the same."""
