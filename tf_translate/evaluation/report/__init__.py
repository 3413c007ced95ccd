"""The results of an evaluation as JSON and as an HTML page with images."""
