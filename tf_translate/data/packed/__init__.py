"""Packed data sets: many small image files in a few large ones."""
