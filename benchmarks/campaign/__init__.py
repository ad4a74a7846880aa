"""Spreads a suite over nodes: slots, the jobs that submitit starts for them, and their outcomes."""
