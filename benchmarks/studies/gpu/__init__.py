"""Studies of a GPU: how far the floor is from the GPU's limits; a session of some minutes."""
