"""Ablations of the papers on the shipped samples."""
