"""From images on disk to batches: what is there, how it is read, and in which order."""
