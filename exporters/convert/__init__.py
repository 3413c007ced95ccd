"""Converts signatures to a SavedModel and .tflite files."""
