"""Layers that can be saved in `.keras` files and convert to built-in LiteRT operations."""
