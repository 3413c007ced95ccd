"""What is inside a .tflite file: operations, tensors, multiply-adds."""
