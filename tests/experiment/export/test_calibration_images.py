import types

import numpy as np

from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.core.signature import Signature, TensorSpec, attribute_spec, image_spec
from tf_translate.experiment.export import calibration_images
from tf_translate.experiment.load_run import with_latents

IMAGE, ATTRIBUTES = image_spec((4, 4, 3)), attribute_spec(("glasses",))
LATENT = TensorSpec("latent", (None, 3))


def _signature(name, function, inputs, outputs=(IMAGE,)):
    return Signature(name, function, inputs, outputs)


SIGNATURES = {
    "translate": _signature("translate", lambda **_: {}, (IMAGE, ATTRIBUTES)),
    "encode": _signature(
        "encode", lambda image: {"latent": image.mean(axis=(1, 2))}, (IMAGE,), (LATENT,)
    ),
    "decode": _signature("decode", lambda **_: {}, (LATENT, ATTRIBUTES)),
}


def _examples(batch):
    image = batch["image"]
    return {
        "translate": {"image": image, "attributes": batch["attributes"]},
        "encode": {"image": image},
    }


def test_inputs_of_decode_are_latents_of_the_images_and_their_attributes():
    image = np.linspace(-1, 1, 2 * 48).reshape(2, 4, 4, 3).astype(np.float32)
    batch = {"image": image, "attributes": np.float32([[0], [1]])}
    found = with_latents(SIGNATURES, _examples(batch))
    assert list(found) == ["translate", "encode", "decode"]
    np.testing.assert_allclose(found["decode"]["latent"], image.mean((1, 2)), atol=1e-6)
    np.testing.assert_array_equal(found["decode"]["attributes"], [[0], [1]])


def test_inputs_without_a_source_are_omitted():
    found = with_latents({"decode": SIGNATURES["decode"]}, {})
    assert found == {"decode": {}}


def test_images_of_a_folder_replace_those_of_the_run(tmp_path):
    for level in (0, 255, 102):
        images.write(tmp_path / f"{level:03}.png", np.full((8, 6, 3), level, np.uint8))
    batch = {"image": np.zeros((2, 4, 4, 3), np.float32), "attributes": np.float32([[0], [1]])}
    translator = types.SimpleNamespace(signatures=lambda: SIGNATURES, examples=_examples)
    config = types.SimpleNamespace(data=DataConfig(path="unused", size=(4, 4)))
    kept = types.SimpleNamespace(calibration=batch)
    trained = types.SimpleNamespace(config=config, kept=kept, translator=translator)
    found = calibration_images.calibration_inputs(trained, tmp_path, lambda images: [2, 1])
    # Sorted by name: 000, 102, 255; the run's attributes repeat: 0, 1, 0.
    np.testing.assert_allclose(found["encode"]["image"][:, 0, 0, 0], [1.0, -0.2], atol=1e-6)
    np.testing.assert_array_equal(found["translate"]["attributes"], [[0], [1]])


def test_images_of_each_domain_are_selected_separately():
    batch = {"a": np.zeros((3, 4, 4, 3)), "b": np.arange(5.0)[:, None, None, None] * np.ones(3)}
    selected = calibration_images._select(batch, lambda images: [len(images) - 1, 0])
    assert {key: len(values) for key, values in selected.items()} == {"a": 2, "b": 2}
    assert selected["b"][:, 0, 0, 0].tolist() == [4.0, 0.0]
