"""Deployable editing: gradient steps on a latent, latent inversion, mask blending."""
