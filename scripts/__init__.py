"""Benchmarks, stress tests, ablations, generated data and published results of the project."""
