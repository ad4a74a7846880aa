"""The training loop, one file per way of writing and running it."""
