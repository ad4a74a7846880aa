"""What can be measured: problems and their data, implementations, suites."""
