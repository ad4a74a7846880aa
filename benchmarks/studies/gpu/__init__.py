"""Studies of a GPU: how far the floor is from what it could do; a session of some minutes."""
