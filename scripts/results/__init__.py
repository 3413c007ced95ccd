"""Published results: their tables in the pages."""
