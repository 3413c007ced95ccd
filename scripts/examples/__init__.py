"""Short programs for readers: plain Keras training, the demo images."""
