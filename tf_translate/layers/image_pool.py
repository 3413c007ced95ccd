"""A pool of earlier translated images for discriminators, inside the graph."""

from typing import Any

import keras
import tensorflow as tf
from keras.src.backend import in_stateless_scope

from tf_translate.layers.cross_replica import gather_replicas


@keras.saving.register_keras_serializable("tf_translate")
class ImagePool(keras.layers.Layer):
    """Returns a mixture of new fakes and of fakes stored in earlier calls.

    The rule of the reference code, image by image: while the pool is not full, the image is stored
    and returned. Afterwards, with probability 0.5, a random stored image is returned and replaced
    by the new one; else the new one is returned.

    In a `keras.StatelessScope`, as in `evaluate`, it returns the new images and stores none.

    Images, fill level and random counter are saved, so a resumed run continues exactly. Several
    devices share one pool: each of them passes the images of all through it in order and returns
    the part of its own batch, so several devices train as one.

    Args:
        size: Number of stored images; 0 switches the pool off.
        seed: Integer, another one for each pool.

    Call arguments:
        images: `(batch, height, width, channels)`, all known except the batch.

    Returns:
        Same shape, float32, without gradient.

    Raises:
        ValueError: If `size` is negative or the image shape is not fixed.

    Source: Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828, section 2.3;
    CycleGAN, https://arxiv.org/abs/1703.10593, section 4 (50 images); the per-image rule is
    that of junyanz/pytorch-CycleGAN-and-pix2pix.
    """

    def __init__(self, size: int = 50, *, seed: int = 0, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if size < 0:
            raise ValueError(f"`size` must be 0 (off) or more, got {size}")
        self.size = size
        self.seed = seed

    def build(self, input_shape):
        shape = tuple(input_shape[1:])
        if self.size and None in shape:
            raise ValueError(f"an image pool needs a fixed image shape, got {shape}")
        if self.size:
            self.images = self._state("images", (self.size, *shape), "float32")
            self.filled = self._state("filled", (), "int32")
            self.counter = self._state("counter", (), "int32")
        self.built = True

    def _state(self, name, shape, dtype):
        return self.add_weight(
            name=name,
            shape=shape,
            dtype=dtype,
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="none",  # all devices compute the same
        )

    def call(self, images):
        images = tf.stop_gradient(tf.cast(images, tf.float32))
        if self.size == 0 or in_stateless_scope():
            return images
        gathered, first = gather_replicas(images)
        batch = tf.shape(gathered)[0]
        returned = tf.TensorArray(tf.float32, size=batch, element_shape=images.shape[1:])
        _, returned = tf.while_loop(
            lambda index, _: index < batch,
            lambda index, array: (index + 1, array.write(index, self._exchange(gathered[index]))),
            (0, returned),
        )
        own = returned.stack()[first : first + tf.shape(images)[0]]
        return tf.ensure_shape(own, images.shape)

    def _exchange(self, image):
        """Stores `image` by the rule above and returns the image that replaces it."""
        filled, counter = self.filled.value, self.counter.value
        uniform = tf.random.stateless_uniform([2], seed=[self.seed, counter])
        self.counter.assign(counter + 1)
        filling = filled < self.size
        random_slot = tf.cast(uniform[0] * self.size, tf.int32)
        slot = tf.where(filling, filled, random_slot)
        old = self.images.value[slot]
        keep = filling | (uniform[1] < 0.5)  # the new image enters the pool
        entering = tf.where(keep, image, old)
        self.images.assign(tf.tensor_scatter_nd_update(self.images.value, [[slot]], [entering]))
        self.filled.assign(tf.minimum(filled + 1, self.size))
        return tf.where(keep & ~filling, old, image)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "seed": self.seed}
