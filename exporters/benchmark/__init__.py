"""Measures speed, size and memory of the files of a bundle."""
