"""Ablations from the papers."""
