"""Experiments: training, evaluation and export of a configured run."""
