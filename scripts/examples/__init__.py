"""Short programs to read: training from plain Python, and the images of the demo."""
