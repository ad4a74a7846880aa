"""The README of the results, and the tables of the project's README."""
