"""The history of translated images that discriminators learn from, kept inside the graph."""

import keras
import tensorflow as tf

from tf_translate.layers.cross_replica import of_all_devices


@keras.saving.register_keras_serializable("tf_translate")
class ImagePool(keras.layers.Layer):
    """Hands discriminators a mixture of new fakes and fakes from up to `size` images ago.

    The reference rule, image by image: while the pool is filling, store the image and
    return it; afterwards, with probability 0.5 return a random stored image and put the
    new one in its place, else return the new one.

    Images, fill level and random counter are saved, so a resumed run goes on exactly.
    On many devices there is one pool: each of them puts the images of all through it in order and
    takes its own share of what comes out, so many devices train like one.

    Args:
        size: Images kept; 0 switches the pool off.
        seed: Whole number that tells two pools apart.

    Call arguments:
        images: `(batch, height, width, channels)`, fixed but for the batch.

    Returns:
        Same shape, float32, without gradient.

    Raises:
        ValueError: If `size` is negative or the image shape is not fixed.

    Source: Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828, section 2.3;
    CycleGAN, https://arxiv.org/abs/1703.10593, section 4 (50 images); the per-image rule is
    that of junyanz/pytorch-CycleGAN-and-pix2pix.
    """

    def __init__(self, size: int = 50, *, seed: int = 0, **kwargs):
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
            aggregation="none",  # each device computes the same
        )

    def call(self, images):
        images = tf.stop_gradient(tf.cast(images, tf.float32))
        if self.size == 0:
            return images
        everyone, first = of_all_devices(images)
        batch = tf.shape(everyone)[0]
        drawn = tf.TensorArray(tf.float32, size=batch, element_shape=images.shape[1:])
        _, drawn = tf.while_loop(
            lambda index, _: index < batch,
            lambda index, drawn: (index + 1, drawn.write(index, self._exchange(everyone[index]))),
            (0, drawn),
        )
        own = drawn.stack()[first : first + tf.shape(images)[0]]
        return tf.ensure_shape(own, images.shape)

    def _exchange(self, image):
        """Stores `image` and gives back what the discriminators shall see in its place."""
        filled, counter = self.filled.value, self.counter.value
        draw = tf.random.stateless_uniform([2], seed=[self.seed, counter])
        self.counter.assign(counter + 1)
        filling = filled < self.size
        random_slot = tf.cast(draw[0] * self.size, tf.int32)
        slot = tf.where(filling, filled, random_slot)
        old = self.images.value[slot]
        keep = filling | (draw[1] < 0.5)  # the new image enters the pool
        entering = tf.where(keep, image, old)
        self.images.assign(tf.tensor_scatter_nd_update(self.images.value, [[slot]], [entering]))
        self.filled.assign(tf.minimum(filled + 1, self.size))
        return tf.where(keep & ~filling, old, image)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "seed": self.seed}
