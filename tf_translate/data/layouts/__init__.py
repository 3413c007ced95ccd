"""Readers of data layouts: folders, pair tables, attribute tables, TensorFlow Datasets."""
