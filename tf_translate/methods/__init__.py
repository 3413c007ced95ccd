"""The methods: one file for each paper, and the registry."""
