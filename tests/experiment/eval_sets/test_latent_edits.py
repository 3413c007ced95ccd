"""Edits through the latent by means of labelled images, worked out by hand."""

import numpy as np
import pytest

from tests.data.image_files import config, plain, values
from tf_translate.core.signature import Signature, TensorSpec
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.errors import ConfigError, DataError
from tf_translate.experiment.eval_sets.attribute_edits import edits
from tf_translate.experiment.eval_sets.latent_edits import LatentEditor

# The latent of a plain image is its value; training images of glasses are 40 brighter in the mean.
TRAIN = [(10, 0), (30, 0), (50, 1), (70, 1)]
TEST = [(20, 0), (60, 1), (24, 0), (64, 1), (28, 0), (68, 1), (32, 0), (72, 1)]
IMAGE = TensorSpec("image", (None, 8, 8, 3))


@pytest.fixture
def data(tmp_path):
    lines = ["image,split,person,glasses"]
    for split, images in (("train", TRAIN), ("test", TEST)):
        for index, (value, glasses) in enumerate(images):
            plain(tmp_path / f"{split}{index}.png", value)
            lines.append(f"{split}{index}.png,{split},{split}{index // 2},{glasses}")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return open_attribute_dataset(
        config(path, attributes={"glasses": ["0", "1"]}, group_column="person")
    )


def _signatures():
    latent = TensorSpec("latent", (None, 1))
    others = TensorSpec("target", (None, 8, 8, 3)), TensorSpec("mask", (None, 8, 8, 1))

    def paint(image, target, mask):
        return {"image": image + mask * (target - image)}

    signatures = (
        Signature("encode", lambda image: {"latent": image[:, 0, 0, :1]}, (IMAGE,), (latent,)),
        Signature(
            "decode",
            lambda latent: {"image": np.ones((1, 8, 8, 3), np.float32) * latent[:, None, None]},
            (latent,),
            (IMAGE,),
        ),
        Signature("edit", paint, (IMAGE, *others), (IMAGE,)),
    )
    return {each.name: each for each in signatures}


def _outputs(data, edit):
    found = edits(data, edit, split="test", limit=99, training_limit=99)
    return {each.name: values(each.outputs) for each in found}


def test_latent_arithmetic_adds_the_difference_of_the_means(data):
    editor = LatentEditor(data, _signatures(), limit=99)
    outputs = _outputs(data, editor.by_arithmetic)
    assert outputs["add_glasses"] == [60, 64, 68, 72]
    assert outputs["remove_glasses"] == [20, 24, 28, 32]


def test_the_photo_editor_gets_the_mean_image_of_the_new_value_as_paint(data):
    editor = LatentEditor(data, _signatures(), limit=99)
    assert editor.can_paint
    assert _outputs(data, editor.by_painting)["add_glasses"] == [60] * 4  # all of it is painted


def test_a_value_without_labelled_images_and_a_method_without_latents_are_refused(data):
    with pytest.raises(DataError, match=r"images of glasses = 1.*hold none"):
        LatentEditor(data, _signatures(), limit=1)
    with pytest.raises(ConfigError, match="needs a method with latents"):
        LatentEditor(data, {"edit": _signatures()["edit"]}, limit=9)
