"""Stress tests of training: kills, memory over many steps, start-up time."""
