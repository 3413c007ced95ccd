"""The order of training samples: a function of the sample index, reshuffled in every pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tf_translate.config.data import DataConfig
from tf_translate.data import augmentation
from tf_translate.data.cache.image_store import ImageStore


def spread_positions(count: int, limit: int | None) -> Sequence[int]:
    """Returns at most `limit` positions spread evenly over `count`; all without a limit."""
    if limit is None or limit >= count:
        return range(count)
    if limit < 1:
        raise ValueError(f"`limit` must be at least 1, got {limit}")
    return np.linspace(0, count - 1, limit).round().astype(int).tolist()


def shuffled_position(sample: tf.Tensor, count: int, seed: int, domain: int) -> tf.Tensor:
    """Returns the image position of a sample; each pass over the images is a new permutation."""
    sample = tf.cast(sample, tf.int64)
    pass_seed = tf.random.fold_in(tf.stack([seed, sample // count]), domain)
    last = tf.constant(count - 1, tf.int64)
    return tf.random.experimental.index_shuffle(sample % count, tf.cast(pass_seed, tf.int64), last)


def read_stored_image(store: ImageStore, position: tf.Tensor) -> tf.Tensor:
    """Reads the image at a position in graph mode, uint8 `(h, w, c)`."""
    pixels = tf.numpy_function(lambda i: store.read(int(i)), [position], tf.uint8, stateful=False)
    return tf.ensure_shape(pixels, store.image_format.shape)


def set_pipeline_options(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Adds prefetching, a deterministic order, and sharding by samples over workers."""
    options = tf.data.Options()
    options.deterministic = True
    shard = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = shard
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


@dataclass(frozen=True)
class BatchShard:
    """The part of every batch that one host produces, so that it reads only images it needs.

    A batch is divided equally among `of` devices. This host serves `devices` of them, starting
    at index `first`. By default it serves the whole batch.
    """

    first: int = 0
    devices: int = 1
    of: int = 1

    def sample(self, count: tf.Tensor, batch_size: int) -> tf.Tensor:
        """Returns the index of the sample after `count` others on this host, int64 scalar."""
        piece = batch_size // self.of
        step, offset = count // (self.devices * piece), count % (self.devices * piece)
        return step * batch_size + self.first * piece + offset


WHOLE_BATCH = BatchShard()


def endless_batches(
    read_sample: Callable[[tf.Tensor], dict],
    *,
    batch_size: int,
    start_step: int,
    shard: BatchShard = WHOLE_BATCH,
) -> tf.data.Dataset:
    """Returns endless batches of samples, starting at a step.

    Args:
        read_sample: Maps the index of a sample, int64 scalar, to the sample.
        batch_size: Samples in a batch, over all devices.
        start_step: The step of the first batch.
        shard: The part of each batch to produce here, one device after the other; whole
            batches by default.

    Raises:
        ValueError: If `batch_size` or `start_step` is too small, or the number of devices does not
            divide `batch_size`.
    """
    if batch_size < 1 or start_step < 0:
        raise ValueError(
            "`batch_size` must be at least 1 and `start_step` at least 0, "
            f"got {batch_size} and {start_step}"
        )
    if batch_size % shard.of:
        raise ValueError(f"`batch_size` must be divisible by {shard.of} devices, got {batch_size}")
    piece = batch_size // shard.of
    dataset = tf.data.Dataset.counter(start=start_step * shard.devices * piece)
    dataset = dataset.map(lambda n: read_sample(shard.sample(n, batch_size)), tf.data.AUTOTUNE)
    return set_pipeline_options(dataset.batch(piece, drop_remainder=True))


def augment_image(pixels: tf.Tensor, seed: tf.Tensor, config: DataConfig) -> tf.Tensor:
    """Randomly crops and mirrors a training image by its settings; float32 in [-1, 1]."""
    load_size = config.load_size or config.size
    if load_size != config.size:
        offset = augmentation.sample_crop_offset(seed, load_size, config.size)
        pixels = augmentation.crop(pixels, offset, config.size)
    if config.flip == "horizontal":
        pixels = augmentation.mirror(pixels, augmentation.sample_mirror(seed))
    return augmentation.to_float(pixels)
