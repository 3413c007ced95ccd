"""Loads networks that Keras 2 saved, also with layers of tensorflow-addons, into Keras 3."""
