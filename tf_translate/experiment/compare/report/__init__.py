"""The report of a comparison: an HTML page, and a Markdown page with images as files."""
