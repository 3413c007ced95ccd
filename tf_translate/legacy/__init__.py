"""Networks that Keras 2 saved, tensorflow-addons' layers among them, as networks of Keras 3."""
