"""Records over time -> trends and change points."""
