"""The files that users of the pages have: images, a table, networks."""

import csv
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from scripts.docs_pages.links import ROOT
from tf_translate import images
from tf_translate.data.shipped_samples import sample_table

_LEGACY = ROOT / "tests" / "fixtures" / "legacy" / "unet.h5"
_COUNT = 20


def write_user_files(folder: Path) -> None:
    """Writes all of them, by the names that pages give them."""
    _write_images(folder)
    _write_table(folder)
    _write_networks(folder)


def _rows(name: str, split: str) -> list[dict[str, str]]:
    with sample_table(name).open(newline="") as opened:
        return [row for row in csv.DictReader(opened) if row["split"] == split][:_COUNT]


def _copy(sample: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    images.write(target, images.read(sample_table("avatars").parent / sample))


def _write_images(folder: Path) -> None:
    for split in ("train", "test"):
        for index, row in enumerate(_rows("flat_to_3d", split)):
            for side in "ab":
                name = f"{index}.png"
                _copy(row[side], folder / "my" / "folder" / f"{split}{side.upper()}" / name)
                _copy(row[side], folder / "my" / "pairs" / split / side / name)
                if split == "test" and index < 4:
                    _copy(row[side], folder / {"a": "photos", "b": "drawings"}[side] / name)
    me, friend = _rows("avatars", "test")[:2]
    _copy(me["image"], folder / "me.jpg")
    _copy(friend["image"], folder / "friend.jpg")
    painted = np.array(images.read(folder / "me.jpg"))
    painted[:16, :16] = (200, 30, 30)
    images.write(folder / "painted.png", painted)
    mask = np.zeros_like(painted)
    mask[:16, :16] = 255
    images.write(folder / "where.png", mask)


def _write_table(folder: Path) -> None:
    rows = [row for split in ("train", "validation", "test") for row in _rows("avatars", split)]
    for row in rows:
        _copy(row["image"], folder / row["image"])
    with (folder / "faces.csv").open("w", newline="") as opened:
        table = csv.DictWriter(opened, ("image", "glasses"), extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)


def _write_networks(folder: Path) -> None:
    image = keras.Input((None, None, 3))
    convolution = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")
    keras.Model(image, convolution(image)).save(folder / "generator.keras")
    module = tf.Module()
    module.serve = tf.function(
        lambda image: {"image": 1.0 - image},
        input_signature=[tf.TensorSpec((None, 64, 64, 3), tf.float32, "image")],
    )
    tf.saved_model.save(module, str(folder / "saved_model_folder"), signatures=module.serve)
    _write_keras_2_network(folder / "generator.h5")


def _write_keras_2_network(path: Path) -> None:
    """A generator for images of 256 x 256 that Keras 2 saved."""
    import h5py

    shutil.copy(_LEGACY, path)
    with h5py.File(path, "r+") as file:
        description = json.loads(file.attrs["model_config"])
        first = description["config"]["layers"][0]["config"]
        assert first["batch_input_shape"] == [None, None, None, 3]
        first["batch_input_shape"] = [None, 256, 256, 3]
        file.attrs["model_config"] = json.dumps(description)
