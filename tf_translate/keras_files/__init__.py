"""Reads networks that Keras saved from files that may come from anyone."""
