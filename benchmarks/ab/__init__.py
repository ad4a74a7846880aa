"""Measures two sides now, in alternating processes."""
