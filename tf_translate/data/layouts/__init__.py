"""How files on disk become splits: folders, tables, attribute tables, TensorFlow Datasets."""
