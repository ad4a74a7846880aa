"""Two sides' figures -> a verdict per case; measures nothing."""
