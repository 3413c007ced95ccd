"""Signatures of models that were made elsewhere: Keras models and files, SavedModels, functions."""
