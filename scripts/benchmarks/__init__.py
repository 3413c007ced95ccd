"""Benchmarks of training steps, the input pipeline and exported files; see scripts/bench."""
