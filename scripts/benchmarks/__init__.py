"""Benchmarks: training steps, input pipeline, exported files, beside peers."""
