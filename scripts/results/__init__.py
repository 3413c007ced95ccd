"""Published results: their tables in the pages, and how their keys were renamed."""
