"""Layers of IAN's full network: dilated convolutions, the flow of the latent, RGB-Beta."""
