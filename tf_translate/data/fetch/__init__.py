"""Data sets that are built from packages of public registries."""
