"""Data sets made from packages of the public registries."""
