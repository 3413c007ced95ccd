"""The photo editor of IAN: gradient steps towards painted colours, blended into the image."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

import exporters
from tests.methods.tiny import TINY_IAN, tiny_ian, varied_ian
from tf_translate.layers.portable_relu import PortableReLU
from tf_translate.methods import ian
from tf_translate.methods.ian import IAN, IANSettings

SHAPE = (16, 16, 3)


def _images(count=4, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *SHAPE)).astype(np.float32)


def _quadrants(relu=False):
    """A decoder from four latent values to the brightness of the quadrants, tanh of each value."""
    latent = keras.Input((4,))
    values = PortableReLU()(latent) if relu else latent
    coarse = keras.layers.Reshape((2, 2, 1))(values)
    fine = keras.layers.UpSampling2D(8)(coarse)
    colour = keras.layers.Concatenate()([fine, fine, fine])
    return keras.Model(latent, keras.layers.Activation("tanh")(colour))


def _editor(steps, rate, relu=False):
    ian_model = tiny_ian(latent=4)
    heads = ian_model.encoder_head, ian_model.discriminator_head
    networks = [ian_model.trunk, *heads, _quadrants(relu)]
    settings = IANSettings(edit_steps=steps, edit_learning_rate=rate)
    model = IAN(*networks, settings=settings)
    model.encoder_head = lambda features, training: [tf.zeros([len(features), 4])] * 2
    return model


def _painted(colour=0.8):
    """A patch of 4x4 in the first quadrant and its mask."""
    target, mask = np.zeros((1, *SHAPE), np.float32), np.zeros((1, 16, 16, 1), np.float32)
    target[:, 2:6, 2:6] = colour
    mask[:, 2:6, 2:6] = 1.0
    return {"target": target, "mask": mask}


def test_one_step_of_an_edit_equals_a_computation_by_hand():
    # z = 0, tanh' = 1. The mean over the patch of (tanh z - 0.8)^2 has the gradient -1.6 in its
    # quadrant's value; width 4, so z = 0.01 * (1 + 4) * 1.6 = 0.08 and G(z) = tanh 0.08 = 0.07983.
    model = _editor(1, 0.01)
    image = np.full((1, *SHAPE), -0.5, np.float32)
    edited = model.signatures()["edit"].function(image=image, **_painted())["image"].numpy()
    # Inside, the mask is |Delta| = 0.07983: -0.5 + 0.07983 * (0.07983 + 0.5) = -0.45371.
    np.testing.assert_allclose(edited[0, :5, :5], -0.45371, atol=1e-4)
    assert np.array_equal(edited[0, 11:], image[0, 11:])
    assert np.array_equal(edited[0, :, 11:], image[0, :, 11:])


def test_one_step_through_a_relu_at_its_kink_equals_a_computation_by_hand():
    # Smoothed over 0.5, the gradient of the ReLU at 0 is half: z = 0.01 * (1 + 4) * 0.8 = 0.04
    # (see above) and G(z) = tanh 0.04 = 0.03998. With the exact gradient, 0, nothing would change.
    model = _editor(1, 0.01, relu=True)
    image = np.full((1, *SHAPE), -0.5, np.float32)
    edited = model.signatures()["edit"].function(image=image, **_painted())["image"].numpy()
    np.testing.assert_allclose(edited[0, :5, :5], -0.47841, atol=1e-4)


def test_repeated_edits_do_not_grow_the_network():
    model, image = _editor(1, 0.01), np.zeros((1, *SHAPE), np.float32)
    edit = model.signatures()["edit"].function
    edit(image=image, **_painted())
    nodes = sum(len(layer._inbound_nodes) for layer in model.decoder.layers)
    edit(image=image, **_painted())
    assert sum(len(layer._inbound_nodes) for layer in model.decoder.layers) == nodes


def test_many_steps_reach_the_painted_colour_and_leave_distant_pixels_unchanged():
    image = 0.3 * _images(1, seed=3)
    model = _editor(40, 0.1)
    edited = model.signatures()["edit"].function(image=image, **_painted(-0.8))["image"].numpy()
    # Then G(z) is -0.8 and the mask 0.8, so a fifth of the image remains in the quadrant.
    expected = 0.8 * -0.8 + 0.2 * image[0, :5, :5]
    np.testing.assert_allclose(edited[0, :5, :5], expected, atol=0.01)
    assert np.array_equal(edited[0, 11:], image[0, 11:])


def test_an_image_without_painted_pixels_is_returned_unchanged():
    model, image = tiny_ian(), _images(2)
    nothing = {"target": _images(2, seed=1), "mask": np.zeros((2, 16, 16, 1), np.float32)}
    edited = model.signatures()["edit"].function(image=image, **nothing)["image"]
    np.testing.assert_array_equal(edited, image)


def test_an_edit_moves_the_patch_towards_its_colour_within_the_mask(
    monkeypatch,
):
    monkeypatch.setattr(
        ian, "_RELU_GRADIENT_WIDTH", 0.0
    )  # exact gradients, to compare with finite differences
    model, image = varied_ian(edit_learning_rate=0.1), _images(2)
    inputs = {"target": np.ones((2, *SHAPE), np.float32), "mask": np.zeros((2, 16, 16, 1), "f")}
    inputs["mask"][:, 4:8, 4:8] = 1.0
    signatures = model.signatures()
    latent = signatures["encode"].function(image=image)["latent"]
    reconstructed = signatures["decode"].function(latent=latent)["image"].numpy()
    edited = signatures["edit"].function(image=image, **inputs)["image"].numpy()
    # With finite differences instead of gradients, one step at a time.
    searched = latent.numpy()
    for _ in range(TINY_IAN["edit_steps"]):
        searched = searched - 0.1 * (1 + 4) * _gradient(model, searched, inputs)
    generated = signatures["decode"].function(latent=tf.constant(searched))["image"].numpy()
    size = np.minimum(np.abs(generated - reconstructed).mean(-1), 1.0)
    mask = np.stack([gaussian_filter(one, 0.7) for one in size])[..., None]
    expected = image + mask * (generated - image)
    # Differences across the kink of a ReLU are not its gradient: an error of a tenth is allowed.
    assert np.abs(edited - expected).max() < 0.1 * np.abs(expected - image).max()
    patch = np.s_[:, 4:8, 4:8]
    assert (generated[patch] - reconstructed[patch]).mean() > 0.02
    assert (np.abs(edited - image) <= 2 * mask + 0.01).all()


def _gradient(model, latent, inputs, width=2e-3):
    """The gradient of the patch's mean squared distance, by finite differences."""

    def objective(latents):
        generated = model.decoder(tf.constant(latents), training=False).numpy()
        squared = ((generated - inputs["target"]) ** 2).mean(-1)
        return (inputs["mask"][..., 0] * squared).sum((1, 2)) / 16.0

    gradients = np.zeros_like(latent)
    for i in range(latent.shape[1]):
        step = np.zeros_like(latent)
        step[:, i] = width
        gradients[:, i] = (objective(latent + step) - objective(latent - step)) / (2 * width)
    return gradients


@pytest.mark.slow
def test_an_edit_is_exported_with_built_in_operations_and_agrees_with_python(tmp_path):
    model = varied_ian(edit_learning_rate=0.1)
    only = {"edit": model.signatures()["edit"]}
    bundle = exporters.export(only, tmp_path / "bundle", recipes=("float32",))
    runner = exporters.Runner(exporters.open_bundle(bundle))
    inputs = {"image": _images(1), "target": _images(1, seed=1)}
    inputs["mask"] = np.zeros((1, 16, 16, 1), np.float32)
    inputs["mask"][:, 4:9, 4:9] = 1.0
    expected = only["edit"].function(**inputs)["image"].numpy()
    assert np.abs(expected - inputs["image"]).max() > 0.01
    assert np.abs(runner.run("edit", inputs)["image"] - expected).max() < 1e-3


@pytest.mark.slow
def test_the_number_of_active_edit_steps_is_an_input_with_a_default(tmp_path):
    model = varied_ian(edit_learning_rate=0.1)
    only = {"edit": model.signatures()["edit"]}
    bundle = exporters.open_bundle(exporters.export(only, tmp_path / "bundle"))
    steps = bundle.manifest.signatures["edit"].inputs[-1]
    assert (steps.name, steps.value_range, steps.default) == ("steps", (0.0, 3.0), (3.0,))
    assert steps.meaning.startswith("how many of 3 gradient steps towards the painted colours")
    inputs = {"image": _images(1), "target": _images(1, seed=1)}
    inputs["mask"] = np.ones((1, 16, 16, 1), np.float32)
    runner = exporters.Runner(bundle)
    for count in (0, 1, 3):
        fewer = _with_steps(model, count).signatures()["edit"]
        expected = fewer.function(**inputs)["image"].numpy()
        found = runner.run("edit", inputs | {"steps": np.float32([[count]])})["image"]
        assert np.abs(found - expected).max() < 1e-3, count
    moved = runner.run("edit", inputs)["image"] - inputs["image"]
    assert np.abs(moved).max() > 10 * 1e-3  # all three by default


def _with_steps(model, count):
    """The same networks with another number of steps, possibly 0."""
    # 0 steps are not a valid setting, but a valid value of the input `steps`.
    settings = model.settings.model_copy(update={"edit_steps": count})
    networks = [getattr(model, name) for name in model.network_names]
    return IAN(*networks, settings=settings)
