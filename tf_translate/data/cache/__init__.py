"""Decoded images, stored in memory or on disk."""
