"""What deploys an optimisation or a blend: gradient steps on a latent, latent inversion, mask blending."""
