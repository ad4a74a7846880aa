"""Measures two sides now, in pairs of processes."""
