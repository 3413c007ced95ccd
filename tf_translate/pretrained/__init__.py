"""Frozen networks trained by others, loaded without running any code from their files."""
