"""The losses and turns of each method, computed independently."""
