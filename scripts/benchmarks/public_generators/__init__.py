"""Generators that others published, rebuilt from their papers and exported to bundles."""
