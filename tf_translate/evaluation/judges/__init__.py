"""Judges: evaluation classifiers, trained on the training split, never used in training."""
