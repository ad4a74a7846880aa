"""The options and the help of each command, declared without loading its code."""
