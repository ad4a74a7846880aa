"""Studies of many ranks: what a step would take where nobody has measured it."""
