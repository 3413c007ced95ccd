"""Random augmentation for the training of judges: changes of style that preserve the content.

Pure functions of (images, seed), for `tf.data`. Images are float32 `(b, h, w, 3)` in [-1, 1]
with static shape; each image has its own random parameters.
"""

import tensorflow as tf


def mild(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Applies small shifts and changes of brightness, and blurs a quarter of the images.

    Blur keeps a judge from classifying by sharpness alone: translations are often blurrier than
    real images.
    """
    seeds = tf.random.split(seed, 3)
    images = _transform(images, seeds[0], rotation=0.0, scale=0.05, shift=0.06)
    images = _apply_to_fraction(images, _blur(images), seeds[1], 0.25)
    return tf.clip_by_value(images + _uniform(seeds[2], images, -0.1, 0.1), -1.0, 1.0)


def affine(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Rotates, scales, shifts and changes brightness, and blurs a quarter of the images.

    It never mirrors, as a class may depend on it. Blur as in `mild`.
    """
    seeds = tf.random.split(seed, 3)
    images = _transform(images, seeds[0], rotation=0.2, scale=0.15, shift=0.08)
    images = _apply_to_fraction(images, _blur(images), seeds[1], 0.25)
    return tf.clip_by_value(images + _uniform(seeds[2], images, -0.1, 0.1), -1.0, 1.0)


def strong(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes colours, tones, shading, outlines and sharpness, with a small affine transform.

    Shapes and their positions remain: this is the definition of content here.
    """
    seeds = tf.random.split(seed, 9)
    images = _transform(images, seeds[0], rotation=0.1, scale=0.1, shift=0.05)
    images = _apply_to_fraction(images, _thicken_lines(images), seeds[1], 0.1)
    images = _apply_to_fraction(images, _mix_channels(images, seeds[2]), seeds[3], 0.4)
    images = _apply_to_fraction(images, _outlines(images), seeds[4], 0.1)
    images = _gamma(images, seeds[5])
    images = _apply_to_fraction(images, _shading(images, seeds[6]), seeds[7], 0.2)
    return _apply_to_fraction(images, _blur(images), seeds[8], 0.4)


def _uniform(seed: tf.Tensor, images: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """One random value per image, `(b, 1, 1, 1)`."""
    return tf.random.stateless_uniform((images.shape[0], 1, 1, 1), seed, low, high)


def _apply_to_fraction(
    images: tf.Tensor, changed: tf.Tensor, seed: tf.Tensor, probability: float
) -> tf.Tensor:
    """Replaces each image by its changed version with a probability."""
    return tf.where(_uniform(seed, images, 0.0, 1.0) < probability, changed, images)


def _transform(
    images: tf.Tensor, seed: tf.Tensor, *, rotation: float, scale: float, shift: float
) -> tf.Tensor:
    """Rotates (radians), scales and shifts (fraction of the side); border pixels repeat."""
    count, height, width = images.shape[:3]
    uniform = tf.random.stateless_uniform((5, count), seed, -1.0, 1.0)
    angle = uniform[0] * rotation
    factor = tf.exp(uniform[1] * scale)
    cosine, sine = tf.cos(angle) * factor, tf.sin(angle) * factor
    stretch = tf.exp(uniform[2] * scale / 2.0)
    right, down = uniform[3] * shift * width, uniform[4] * shift * height
    centre_x, centre_y = (width - 1) / 2.0, (height - 1) / 2.0
    a, b, d, e = cosine * stretch, -sine, sine * stretch, cosine
    left = centre_x - a * centre_x - b * centre_y + right
    top = centre_y - d * centre_x - e * centre_y + down
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, left, d, e, top, zero, zero], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _mix_channels(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Replaces every channel by a random weighted mean of all three; grey stays unchanged."""
    logits = tf.random.stateless_normal((images.shape[0], 3, 3), seed, stddev=2.0)
    return tf.einsum("bhwc,bcd->bhwd", images, tf.nn.softmax(logits, axis=1))


def _gamma(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Applies a random gamma curve to every channel; black and white stay unchanged."""
    powers = tf.random.stateless_uniform((images.shape[0], 1, 1, 3), seed, -0.6, 0.6)
    tones = tf.clip_by_value((images + 1.0) / 2.0, 1e-3, 1.0) ** tf.exp(powers)
    return tones * 2.0 - 1.0


def _shading(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Multiplies by a smooth random illumination, like that of a curved surface."""
    count, height, width = images.shape[:3]
    coarse = tf.random.stateless_uniform((count, 4, 4, 1), seed, 0.4, 1.3)
    light = tf.image.resize(coarse, (height, width), method="bicubic")
    return tf.clip_by_value((images + 1.0) * light - 1.0, -1.0, 1.0)


def _blur(images: tf.Tensor) -> tf.Tensor:
    """Applies the binomial 5x5 filter (1 4 6 4 1)/16 along both axes; border pixels repeat."""
    line = tf.constant([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    kernel = tf.tile((line[:, None] * line[None, :])[..., None, None], [1, 1, 3, 1])
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="SYMMETRIC")
    return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")


def _outlines(images: tf.Tensor) -> tf.Tensor:
    """Replaces the image by dark lines on white along its edges."""
    magnitude = tf.norm(tf.image.sobel_edges(images), axis=-1)  # (b, h, w, c, 2) -> (b, h, w, c)
    strength = tf.reduce_max(magnitude, axis=-1, keepdims=True)
    return tf.tile(1.0 - 2.0 * tf.tanh(strength), [1, 1, 1, 3])


def _thicken_lines(images: tf.Tensor) -> tf.Tensor:
    """Dilates dark regions by one pixel."""
    return -tf.nn.max_pool2d(-images, 3, 1, "SAME")
