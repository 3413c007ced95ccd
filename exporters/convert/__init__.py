"""From signatures to SavedModel and .tflite files."""
