"""Training a translator: the loop, the run directory, callbacks, devices and workers."""
