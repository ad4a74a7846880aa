"""Tables of figures, on the terminal and in Markdown."""
