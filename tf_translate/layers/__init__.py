"""Layers that train fast, survive `.keras` files and convert to built-in LiteRT operations."""
