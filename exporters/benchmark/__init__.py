"""How fast, how large and how memory-hungry the files of a bundle are."""
