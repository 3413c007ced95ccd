"""Frozen networks that others trained, read without running anything of their files."""
