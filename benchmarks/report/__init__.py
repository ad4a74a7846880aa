"""Everything that is written or printed for a reader."""
