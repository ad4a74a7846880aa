"""Figures as files for other programs: CSV, Parquet, JUnit, trends."""
