"""How much each metric falls as real images are damaged."""
