"""The child process: the only room that may import a framework, and all that decides a time."""
