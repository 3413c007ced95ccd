"""Evaluation classifiers, trained on the training split and never used in training."""
