"""The results of an evaluation as JSON and as a page with images."""
