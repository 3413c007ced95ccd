"""Validated settings; knows neither Keras nor TensorFlow."""
