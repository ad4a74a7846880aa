"""All that a worker observes of a loop without timing it."""
