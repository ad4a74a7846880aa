"""What each command takes, and its help: declared without loading what carries it out."""
