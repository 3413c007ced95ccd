"""Stress tests: kills of training, its memory and start-up time, damaged and hostile files."""
