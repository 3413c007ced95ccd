"""Reads the graph of a .tflite file: operations, tensors, multiply-adds."""
