"""How training samples are drawn: by their number alone, in an order that never repeats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tf_translate.config.data import DataConfig
from tf_translate.data import augmentation
from tf_translate.data.cache.image_store import Store


def spread(count: int, limit: int | None) -> Sequence[int]:
    """At most `limit` positions spread evenly over `count`; all of them without a limit."""
    if limit is None or limit >= count:
        return range(count)
    if limit < 1:
        raise ValueError(f"`limit` must be at least 1, got {limit}")
    return np.linspace(0, count - 1, limit).round().astype(int).tolist()


def shuffled(sample: tf.Tensor, count: int, seed: int, domain: int) -> tf.Tensor:
    """Position of a numbered sample: every pass over `count` images is a new permutation."""
    sample = tf.cast(sample, tf.int64)
    pass_seed = tf.random.fold_in(tf.stack([seed, sample // count]), domain)
    last = tf.constant(count - 1, tf.int64)
    return tf.random.experimental.index_shuffle(sample % count, tf.cast(pass_seed, tf.int64), last)


def lookup(store: Store, position: tf.Tensor) -> tf.Tensor:
    """The stored image at a position, uint8 `(h, w, c)`, in a graph."""
    pixels = tf.numpy_function(lambda i: store.read(int(i)), [position], tf.uint8, stateful=False)
    return tf.ensure_shape(pixels, store.form.shape)


def with_options(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Prefetched, in a fixed order, and sharded by samples over workers."""
    options = tf.data.Options()
    options.deterministic = True
    shard = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = shard
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


@dataclass(frozen=True)
class Share:
    """Which devices' pieces of every batch are drawn here, so that no host reads what it drops.

    A batch is divided equally among `of` devices; those drawn for are `devices` ones from the
    place `first` on. By default a batch stays whole.
    """

    first: int = 0
    devices: int = 1
    of: int = 1

    def sample(self, count: tf.Tensor, batch_size: int) -> tf.Tensor:
        """The number of the sample that is drawn here after `count` others, int64 scalar."""
        piece = batch_size // self.of
        step, place = count // (self.devices * piece), count % (self.devices * piece)
        return step * batch_size + self.first * piece + place


WHOLE = Share()


def endless(
    draw: Callable[[tf.Tensor], dict], *, batch_size: int, start_step: int, share: Share = WHOLE
) -> tf.data.Dataset:
    """Batches of samples by their number, from that of a step on, without end.

    Args:
        draw: From the number of a sample, int64 scalar, to the sample.
        batch_size: Samples in a batch, over all devices.
        start_step: The step whose batch comes first.
        share: The pieces of it that are drawn, one after the other; whole batches by default.

    Raises:
        ValueError: If one of the two is too small, or a batch does not divide by the devices.
    """
    if batch_size < 1 or start_step < 0:
        raise ValueError(
            "`batch_size` must be at least 1 and `start_step` at least 0, "
            f"got {batch_size} and {start_step}"
        )
    if batch_size % share.of:
        raise ValueError(f"`batch_size` must divide by {share.of} devices, got {batch_size}")
    piece = batch_size // share.of
    dataset = tf.data.Dataset.counter(start=start_step * share.devices * piece)
    dataset = dataset.map(lambda n: draw(share.sample(n, batch_size)), tf.data.AUTOTUNE)
    return with_options(dataset.batch(piece, drop_remainder=True))


def augmented(pixels: tf.Tensor, seed: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """Crops and mirrors a training image as a configuration says; float32 in [-1, 1]."""
    load_size = config.load_size or config.size
    if load_size != config.size:
        offset = augmentation.crop_offset(seed, load_size, config.size)
        pixels = augmentation.crop(pixels, offset, config.size)
    if config.flip == "horizontal":
        pixels = augmentation.mirror(pixels, augmentation.is_mirrored(seed))
    return augmentation.to_float(pixels)
