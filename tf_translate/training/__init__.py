"""Training a translator: run directories, the loop, what is shown and saved."""
