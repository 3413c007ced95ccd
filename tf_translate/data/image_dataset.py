"""One set of images as they are: batches for training, ordered images for the rest."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.data import augmentation, sampling
from tf_translate.data.cache.decoded_splits import Progress
from tf_translate.data.cache.image_store import Store
from tf_translate.data.layouts.attribute_table import SUFFIXES, Rows, Table
from tf_translate.data.layouts.folders import SPLIT_NAMES, images_in
from tf_translate.data.single_set import decode, open_table, splits_of
from tf_translate.data.splits import digest, listing
from tf_translate.errors import DataError

Shape = tuple[int, int, int]
_WANTED = (
    f"a folder of images, a table ({', '.join(SUFFIXES)}) of image -> columns, samples:NAME or "
    "tfds:NAME"
)


def open_image_dataset(config: DataConfig, *, progress: Progress | None = None) -> "ImageSet":
    """Finds the images of a set without labels and decodes each of them once.

    Args:
        config: Its `path` is a folder of images (with train/ and others for the splits, or of
            any depth without), a table of image -> columns, samples:NAME or tfds:NAME.
        progress: Called with (images done, images in all) while decoding.

    Raises:
        DataError: If there is no such table or folder, settings mean something else, a image is
            broken (unless `on_error` is "skip"), or the train split is empty.
    """
    _refuse_domains(config)
    table = open_table(config, read_images, _WANTED)
    table.check(
        {f"where.{column}": column for column in config.where}
        | {"group_column": config.group_column}
    )
    rows = table.where(config.where)
    if not rows:
        raise DataError(f"data.where leaves no row of the table {table.path}")
    by_split = splits_of(table, rows, config)
    decoded, skipped = decode(table, by_split, config, progress)
    parts = [f"{name}:{found.identity}" for name, found in decoded.items()]
    fingerprint = digest([*parts, str(config.size), str(config.load_size), *skipped])
    stores = {name: found.store for name, found in decoded.items()}
    return ImageSet(config, stores, skipped=skipped, fingerprint=fingerprint)


class ImageSet:
    """Images of one set in splits.

    Attributes:
        shape: `(height, width, channels)` of what the model sees.
        splits: Split to number of images.
        skipped: What was left out, as "file: reason".
        fingerprint: Hex digest of names, splits and form; the same everywhere.
        epoch_size: Samples after which every training image has been seen.
    """

    def __init__(
        self,
        config: DataConfig,
        stores: Mapping[str, Store],
        *,
        skipped: tuple[str, ...],
        fingerprint: str,
    ) -> None:
        self._config, self._stores = config, dict(stores)
        self.shape: Shape = (*config.size, config.channels_a)
        self.splits = {name: len(store) for name, store in stores.items()}
        self.skipped, self.fingerprint = skipped, fingerprint
        self.epoch_size = self.splits["train"]

    def training(
        self,
        *,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        share: sampling.Share = sampling.WHOLE,
    ) -> tf.data.Dataset:
        """Endless shuffled and augmented batches; what step k gets depends on k alone.

        Args:
            batch_size: Images in a batch, over all devices.
            seed: Of order and augmentation.
            start_step: The step whose batch comes first.
            share: The pieces of each batch that are drawn here; whole batches by default.

        Returns:
            Batches of `"image"`, float32 `(batch, h, w, c)` in [-1, 1].
        """
        return sampling.endless(
            lambda sample: self._sample(sample, seed),
            batch_size=batch_size,
            start_step=start_step,
            share=share,
        )

    def images(self, split: str, *, at: Sequence[int] | np.ndarray) -> np.ndarray:
        """Images at some places of a split: float32 `(n, h, w, c)` in [-1, 1]."""
        store = self._store(split)
        # Only training images are stored larger, for the crop.
        pixels = [images.resize(store.read(int(i)), self._config.size) for i in at]
        return images.to_float(np.stack(pixels))

    def _store(self, split: str) -> Store:
        if split not in self._stores:
            raise DataError(f"there is no split {split!r}, there are {', '.join(self._stores)}")
        return self._stores[split]

    def _sample(self, sample: tf.Tensor, seed: int) -> dict[str, tf.Tensor]:
        store = self._stores["train"]
        own = augmentation.sample_seed(seed, sample)
        position = sampling.shuffled(sample, len(store), seed, 0)
        return {"image": sampling.augmented(sampling.lookup(store, position), own, self._config)}


def _refuse_domains(config: DataConfig) -> None:
    """Settings of other layouts must not be passed over in silence."""
    given = {
        "data.attributes": config.attributes,
        "data.domain_column": config.domain_column,
        "data.label_column": config.label_column,
    }
    for setting, value in given.items():
        if value:
            raise DataError(
                f"{setting} is for methods that learn from it, but one set of images as they are "
                f"is needed; leave {setting} out, or keep rows by data.where"
            )


def read_images(folder: Path) -> Table:
    """The images below a folder as a table.

    Returns:
        A table with the column image, and split where the folder has a folder train: then images
        lie in train, validation (or val) and test.

    Raises:
        DataError: If there is no image, images lie beside the folders of splits, or the folder
            holds two domains.
    """
    domains = [name for name in ("trainA", "trainB") if (folder / name).is_dir()]
    if domains:
        raise DataError(
            f"{folder} holds two sets of images ({', '.join(domains)}), but one is needed; name "
            f"one of them, such as {folder / domains[0]}"
        )
    files = images_in(folder)
    parts = [file.path.relative_to(folder).parts for file in files]
    if not (folder / "train").is_dir():
        rows = [(part[-1], {"image": "/".join(part)}) for part in parts]
        return Table(folder, ("image",), rows, folder)
    beside = ["/".join(part) for part in parts if part[0] not in SPLIT_NAMES]
    if beside:
        raise DataError(
            f"{folder} has a folder train and images outside of {', '.join(SPLIT_NAMES)}; move "
            f"them into one of these:{listing(beside)}"
        )
    split: Rows = [(part[-1], {"image": "/".join(part), "split": part[0]}) for part in parts]
    return Table(folder, ("image", "split"), split, folder)
