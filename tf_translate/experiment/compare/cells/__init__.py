"""One cell of a comparison: its settings and commands, its state, and what it keeps."""
