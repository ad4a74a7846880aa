"""What a run's file holds: plain dataclasses and how they are read and written; computes nothing."""
