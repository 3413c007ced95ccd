"""One image set without labels: shuffled batches for training, ordered images for evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_translate import images
from tf_translate.config.data import DataConfig, check_data_config
from tf_translate.data import augmentation, sampling
from tf_translate.data.cache.decoded_splits import Progress
from tf_translate.data.cache.image_store import ImageStore, notices_of
from tf_translate.data.holdout import notes_of_table
from tf_translate.data.image_format import fingerprint_parts
from tf_translate.data.inventory import ImageIds, Inventory
from tf_translate.data.layouts.attribute_table import AttributeTable
from tf_translate.data.layouts.folders import split_folders
from tf_translate.data.layouts.table_files import SUFFIXES
from tf_translate.data.splits import digest
from tf_translate.data.table_splits import DecodedRows, assign_splits, decode_rows, open_table
from tf_translate.errors import DataError
from tf_translate.image_files import LeftOut, describe_splits, find_images

Shape = tuple[int, int, int]
_ACCEPTED_PATHS = (
    f"a folder of images, a table ({', '.join(SUFFIXES)}) with a column image, samples:NAME "
    "or tfds:NAME"
)


def open_image_dataset(config: DataConfig, *, progress: Progress | None = None) -> "ImageDataset":
    """Finds the images of a set without labels and decodes each once.

    Args:
        config: Its `path` is a folder of images (with a folder for each split, such as train/, or
            without, of any depth), a table with a column image, samples:NAME or tfds:NAME.
        progress: Called with (images done, images in all) while decoding.

    Returns:
        All splits, readable in any order.

    Raises:
        DataError: If there is no such table or folder, a setting does not apply to one image
            set, an image is damaged (unless `on_error` is "skip"), or the train split is empty.

    Example:
        ```python
        data = open_image_dataset(DataConfig(path="samples:avatars", size=(64, 64)))
        images = data.images("test", at=range(8))  # (8, 64, 64, 3), in [-1, 1]
        ```
    """
    check_data_config(config, "open_image_dataset")
    _refuse_domains(config)
    table = open_table(config, read_image_folder, _ACCEPTED_PATHS)
    table.check(
        {f"where.{column}": column for column in config.where}
        | {"group_column": config.group_column}
    )
    rows = table.where(config.where)
    if not rows:
        raise DataError(f"data.where leaves no row of the table {table.path}")
    by_split = assign_splits(table, rows, config)
    decoded, skipped = decode_rows(table, by_split, config, progress)
    parts = [f"{name}:{split.fingerprint}" for name, split in decoded.items()]
    fingerprint = digest([*parts, *fingerprint_parts(config), *skipped])
    stores = {name: split.store for name, split in decoded.items()}
    return ImageDataset(
        config,
        stores,
        skipped=skipped,
        fingerprint=fingerprint,
        left_out=left_out_of(table, decoded),
        notes=notes_of_table(table, config),
        inventory={
            name: {"": ImageIds.of(split.store.names, split.files)}
            for name, split in decoded.items()
        },
    )


class ImageDataset:
    """The splits of one image set.

    Attributes:
        shape: `(height, width, channels)` of the model's images.
        splits: Split name -> number of images.
        skipped: Images that were left out, as "file: reason".
        fingerprint: Hex digest of names, splits and image format; the same on every machine.
        epoch_size: Number of samples after which every training image was used.
        left_out: Split name -> what was left out, such as damaged images, with their number and
            the names of some; "" -> what was left out of the folder of all splits.
        notes: What else the user should know, such as which file decides the splits.
        inventory: Which images are in which split, to recognise the data set by.
    """

    def __init__(
        self,
        config: DataConfig,
        stores: Mapping[str, ImageStore],
        *,
        skipped: tuple[str, ...],
        fingerprint: str,
        left_out: Mapping[str, LeftOut] | None = None,
        notes: tuple[str, ...] = (),
        inventory: Inventory | None = None,
    ) -> None:
        self._config, self._stores = config, dict(stores)
        self.shape: Shape = (*config.size, config.channels_a)
        self.splits = {name: len(store) for name, store in stores.items()}
        self.skipped, self.fingerprint = skipped, fingerprint
        self.epoch_size = self.splits["train"]
        self.left_out, self.notes = dict(left_out or {}), notes
        self.inventory = dict(inventory or {})

    def found_lines(self) -> list[str]:
        """Says how many images each split has, what was left out, and what decoding changed."""
        notices = notices_of(self._stores.values())
        found = describe_splits(self.splits, self.left_out)
        return [*found, *self.notes, *notices.sentences()]

    def training(
        self,
        *,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        shard: sampling.BatchShard = sampling.WHOLE_BATCH,
    ) -> tf.data.Dataset:
        """Returns endless shuffled and augmented batches; the batch of step k depends on k alone.

        Args:
            batch_size: Images in a batch, over all devices.
            seed: Seed of order and augmentation.
            start_step: The step of the first batch.
            shard: The part of each batch to produce here; whole batches by default.

        Returns:
            Batches `{"image"}`, float32 `(batch, h, w, c)` in [-1, 1].
        """
        return sampling.endless_batches(
            lambda sample: self._sample(sample, seed),
            batch_size=batch_size,
            start_step=start_step,
            shard=shard,
        )

    def images(self, split: str, *, at: Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns the images at some positions of a split: float32 `(n, h, w, c)` in [-1, 1]."""
        store = self._store(split)
        # Training images are stored at load_size for the crop, all others at size.
        interpolation = store.image_format.interpolation
        pixels = [
            images.resize(store.read(int(i)), self._config.size, interpolation=interpolation)
            for i in at
        ]
        return images.to_float(np.stack(pixels))

    def _store(self, split: str) -> ImageStore:
        if split not in self._stores:
            raise DataError(f"there is no split {split!r}, only {', '.join(self._stores)}")
        return self._stores[split]

    def _sample(self, sample: tf.Tensor, seed: int) -> dict[str, tf.Tensor]:
        store = self._stores["train"]
        own_seed = augmentation.sample_seed(seed, sample)
        position = sampling.shuffled_position(sample, len(store), seed, 0)
        return {
            "image": sampling.augment_image(
                sampling.read_stored_image(store, position), own_seed, self._config
            )
        }


def left_out_of(table: AttributeTable, decoded: Mapping[str, DecodedRows]) -> dict[str, LeftOut]:
    """What was left out of each split, and of the folder of all splits ("")."""
    return {"": table.left_out, **{name: split.broken for name, split in decoded.items()}}


def _refuse_domains(config: DataConfig) -> None:
    """Refuses settings of other layouts instead of ignoring them."""
    label_settings = {
        "data.attributes": config.attributes,
        "data.domain_column": config.domain_column,
        "data.label_column": config.label_column,
    }
    for setting, value in label_settings.items():
        if value:
            raise DataError(
                f"{setting} is for methods that learn from it, but this method needs one set of "
                f"images without labels; leave {setting} out, or select rows with data.where"
            )


def read_image_folder(folder: Path) -> AttributeTable:
    """Lists the images below a folder as a table.

    Returns:
        A table with the column image. If there is a folder train, the table also has the column
        split, and all images lie in train, validation (or val) and test.

    Raises:
        DataError: If there is no image, images lie outside the folders of the splits, or the
            folder holds two domains.
    """
    domains = [name for name in ("trainA", "trainB") if (folder / name).is_dir()]
    if domains:
        raise DataError(
            f"{folder} holds two sets of images ({', '.join(domains)}), but one is needed; set "
            f"data.path to one of them, such as {folder / domains[0]}"
        )
    found = find_images(folder)
    splits, notes = split_folders(folder, found.names)
    rows = [{"image": name} for name in found.names]
    if splits:
        rows = [row | {"split": split} for row, split in zip(rows, splits, strict=True)]
    return AttributeTable(
        folder,
        tuple(rows[0]),
        [(row["image"].split("/")[-1], row) for row in rows],
        folder,
        left_out=found.left_out,
        notes=(*found.notes(), *notes),
    )
