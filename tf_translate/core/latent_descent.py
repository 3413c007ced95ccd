"""Steps on the input of a network, its weights at rest: how an edit is found at inference."""

from collections.abc import Callable

import tensorflow as tf


def descend(latent, cost: Callable, *, steps: int, rate):
    """Takes plain gradient steps on a latent, each written into the graph so that it deploys.

    Args:
        latent: Where to start, float32 `(batch, numbers)`.
        cost: From a latent to `(batch,)`, each image's own cost, which must not depend on the
            latents of other images.
        steps: How many; 0 gives the start back.
        rate: Factor on the gradient, a number or `(batch, 1)`.

    Returns:
        Float32, as `latent`.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, the photo editor.
    """
    latent = tf.cast(latent, tf.float32)
    for _ in range(steps):
        with tf.GradientTape(watch_accessed_variables=False) as tape:  # of the input, no update
            tape.watch(latent)
            total = tf.reduce_sum(cost(latent))  # a sum keeps the gradients of images apart
        latent -= rate * tape.gradient(total, latent)
    return latent
