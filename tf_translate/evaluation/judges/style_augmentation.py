"""Random changes of style that keep the content: what judges are trained to look through.

Pure functions of (images, seed), for `tf.data`. Images are float32 `(b, h, w, 3)` in
[-1, 1] with static shape; each image draws its own numbers.
"""

import tensorflow as tf


def mild(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shifts a little, dims or brightens a little and blurs a quarter of the images.

    Blur is there so that a judge does not tell domains by sharpness alone: translations
    are often softer than real images.
    """
    seeds = tf.random.split(seed, 3)
    images = _move(images, seeds[0], turn=0.0, scale=0.05, shift=0.06)
    images = _some(images, _blur(images), seeds[1], 0.25)
    return tf.clip_by_value(images + _draw(seeds[2], images, -0.1, 0.1), -1.0, 1.0)


def handled(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Turns, scales and shifts as another hand or camera would, and blurs a quarter.

    Never mirrors: a class may depend on it. Blur as in `mild`.
    """
    seeds = tf.random.split(seed, 3)
    images = _move(images, seeds[0], turn=0.2, scale=0.15, shift=0.08)
    images = _some(images, _blur(images), seeds[1], 0.25)
    return tf.clip_by_value(images + _draw(seeds[2], images, -0.1, 0.1), -1.0, 1.0)


def strong(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes colours, tones, shading, outlines and sharpness, and moves a little.

    What stays is which shapes are where, which is what is meant by content here.
    """
    seeds = tf.random.split(seed, 9)
    images = _move(images, seeds[0], turn=0.1, scale=0.1, shift=0.05)
    images = _some(images, _thicken(images), seeds[1], 0.1)
    images = _some(images, _mix_channels(images, seeds[2]), seeds[3], 0.4)
    images = _some(images, _outlines(images), seeds[4], 0.1)
    images = _tones(images, seeds[5])
    images = _some(images, _shade(images, seeds[6]), seeds[7], 0.2)
    return _some(images, _blur(images), seeds[8], 0.4)


def _draw(seed: tf.Tensor, images: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """One number an image, `(b, 1, 1, 1)`."""
    return tf.random.stateless_uniform((images.shape[0], 1, 1, 1), seed, low, high)


def _some(images: tf.Tensor, changed: tf.Tensor, seed: tf.Tensor, share: float) -> tf.Tensor:
    return tf.where(_draw(seed, images, 0.0, 1.0) < share, changed, images)


def _move(
    images: tf.Tensor, seed: tf.Tensor, *, turn: float, scale: float, shift: float
) -> tf.Tensor:
    """Turns (radians), scales and shifts (shares of the side); edges are repeated."""
    count, height, width = images.shape[:3]
    spread = tf.random.stateless_uniform((5, count), seed, -1.0, 1.0)
    angle = spread[0] * turn
    factor = tf.exp(spread[1] * scale)
    cosine, sine = tf.cos(angle) * factor, tf.sin(angle) * factor
    stretch = tf.exp(spread[2] * scale / 2.0)
    right, down = spread[3] * shift * width, spread[4] * shift * height
    middle_x, middle_y = (width - 1) / 2.0, (height - 1) / 2.0
    a, b, d, e = cosine * stretch, -sine, sine * stretch, cosine
    left = middle_x - a * middle_x - b * middle_y + right
    top = middle_y - d * middle_x - e * middle_y + down
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
    """Makes every channel a random mean of the three, so that greys keep their tone."""
    logits = tf.random.stateless_normal((images.shape[0], 3, 3), seed, stddev=2.0)
    return tf.einsum("bhwc,bcd->bhwd", images, tf.nn.softmax(logits, axis=1))


def _tones(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Applies a random power curve to every channel; black and white stay."""
    powers = tf.random.stateless_uniform((images.shape[0], 1, 1, 3), seed, -0.6, 0.6)
    tones = tf.clip_by_value((images + 1.0) / 2.0, 1e-3, 1.0) ** tf.exp(powers)
    return tones * 2.0 - 1.0


def _shade(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Multiplies by a smooth random light, as rounding a flat image would."""
    count, height, width = images.shape[:3]
    coarse = tf.random.stateless_uniform((count, 4, 4, 1), seed, 0.4, 1.3)
    light = tf.image.resize(coarse, (height, width), method="bicubic")
    return tf.clip_by_value((images + 1.0) * light - 1.0, -1.0, 1.0)


def _blur(images: tf.Tensor) -> tf.Tensor:
    """Applies the binomial 5x5 filter (1 4 6 4 1)/16 in both directions, edges repeated."""
    line = tf.constant([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    kernel = tf.tile((line[:, None] * line[None, :])[..., None, None], [1, 1, 3, 1])
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="SYMMETRIC")
    return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")


def _outlines(images: tf.Tensor) -> tf.Tensor:
    """Draws dark lines on white where the image changes."""
    change = tf.norm(tf.image.sobel_edges(images), axis=-1)  # (b, h, w, c, 2) -> (b, h, w, c)
    strength = tf.reduce_max(change, axis=-1, keepdims=True)
    return tf.tile(1.0 - 2.0 * tf.tanh(strength), [1, 1, 1, 3])


def _thicken(images: tf.Tensor) -> tf.Tensor:
    """Widens dark lines by a pixel."""
    return -tf.nn.max_pool2d(-images, 3, 1, "SAME")
