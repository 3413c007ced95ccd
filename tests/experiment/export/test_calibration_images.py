import types

import numpy as np

from tf_translate import images
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


def test_decode_gets_latents_of_the_images_and_their_attributes():
    image = np.linspace(-1, 1, 2 * 48).reshape(2, 4, 4, 3).astype(np.float32)
    batch = {"image": image, "attributes": np.float32([[0], [1]])}
    found = with_latents(SIGNATURES, _examples(batch))
    assert list(found) == ["translate", "encode", "decode"]
    np.testing.assert_allclose(found["decode"]["latent"], image.mean((1, 2)), atol=1e-6)
    np.testing.assert_array_equal(found["decode"]["attributes"], [[0], [1]])


def test_what_nothing_tells_is_left_out():
    found = with_latents({"decode": SIGNATURES["decode"]}, {})
    assert found == {"decode": {}}


def test_a_folders_images_take_the_place_of_the_runs_own(tmp_path, monkeypatch):
    num_downsamples = (0, 255, 102)
    for level in num_downsamples:
        images.write(tmp_path / f"{level:03}.png", np.full((8, 6, 3), level, np.uint8))
    batch = {"image": np.zeros((2, 4, 4, 3), np.float32), "attributes": np.float32([[0], [1]])}
    monkeypatch.setattr(calibration_images, "preview", lambda *_: batch)
    translator = types.SimpleNamespace(signatures=lambda: SIGNATURES, examples=_examples)
    trained = types.SimpleNamespace(data=None, translator=translator)
    found = calibration_images.calibration_inputs(trained, tmp_path, lambda images: [2, 1])
    # Sorted by name: 000, 102, 255; the run's attributes repeat: 0, 1, 0.
    np.testing.assert_allclose(found["encode"]["image"][:, 0, 0, 0], [1.0, -0.2], atol=1e-6)
    np.testing.assert_array_equal(found["translate"]["attributes"], [[0], [1]])


def test_domains_are_chosen_from_each_by_itself():
    batch = {"a": np.zeros((3, 4, 4, 3)), "b": np.arange(5.0)[:, None, None, None] * np.ones(3)}
    chosen = calibration_images._chosen(batch, lambda images: [len(images) - 1, 0])
    assert {key: len(values) for key, values in chosen.items()} == {"a": 2, "b": 2}
    assert chosen["b"][:, 0, 0, 0].tolist() == [4.0, 0.0]
