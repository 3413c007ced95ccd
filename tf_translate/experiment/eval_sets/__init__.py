"""The evaluation sets of a run: translation directions with their images."""
