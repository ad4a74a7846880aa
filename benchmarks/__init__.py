"""The harness: draws the problems, runs the implementations, verifies, times, records and reports."""
