"""Translate images between domains with GANs and ship the result to a device."""
