"""Comparison of methods on one task: cells of a method and a seed, run as child processes."""
