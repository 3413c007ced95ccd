"""`fit` refuses what does not fit, in one sentence."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tests.methods.test_conformance import _batch, _build
from tf_translate.methods.cyclegan import CycleGAN
from tf_translate.methods.pix2pix import Pix2Pix, Pix2PixSettings
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator


def _refusal(name, change, *, eagerly=True):
    """What `fit` says of a batch with a change."""
    model = _build(name, compiled=False)
    model.compile(run_eagerly=eagerly)
    data = tf.data.Dataset.from_tensors(change(_batch(2)))
    with pytest.raises(ValueError, match="batch") as error:
        model.fit(data, verbose=0)
    assert "\n" not in str(error.value)
    return str(error.value)


def _with(**changes):
    return lambda batch: batch | changes


@pytest.mark.parametrize("eagerly", [True, False])
def test_floats_of_0_to_255_are_refused_with_the_way_to_scale_them(eagerly):
    images = tf.constant(np.linspace(0, 255, 2 * 16 * 16 * 3, dtype=np.float32), tf.float32)
    change = _with(b=tf.reshape(images, (2, 16, 16, 3)))
    assert _refusal("pix2pix", change, eagerly=eagerly) == (
        "images 'b' of a batch must be in [-1, 1], got values from 0 to 255: scale 0..255 by "
        "images / 127.5 - 1, as tf_translate.images.to_float does"
    )


@pytest.mark.parametrize("eagerly", [True, False])
def test_attributes_of_minus_one_and_one_are_refused(eagerly):
    attributes = _batch(2)["attributes"] * 2 - 1
    assert _refusal("fader", _with(attributes=attributes), eagerly=eagerly) == (
        "'attributes' of a batch must be in [0, 1], 0 for absent and 1 for present, got values "
        "from -1 to 1"
    )


def test_attributes_of_whole_numbers_are_taken():
    model = _build("fader")
    batch = _batch(2)
    batch["attributes"] = tf.cast(batch["attributes"], tf.int32)
    model.test_on_batch(batch)


def test_a_translator_whose_signatures_take_no_attributes_trains(monkeypatch):
    model = _build("fader", compiled=False)
    model.compile(run_eagerly=True)
    signature = next(iter(model.signatures().values()))
    image_only = replace(signature, inputs=signature.inputs[:1])
    monkeypatch.setattr(type(model), "signatures", lambda self: {"translate": image_only})
    model.fit(tf.data.Dataset.from_tensors(_batch(2)), verbose=0)
    assert int(model.steps_taken.numpy()) == 1


@pytest.mark.parametrize("shape", [(2,), (2, 9)])
def test_attributes_of_another_shape_are_refused_with_their_names(shape):
    sentence = _refusal("icgan", _with(attributes=tf.zeros(shape)))
    assert sentence.startswith("'attributes' of a batch must be float32 (batch, ")
    assert sentence.endswith(f"got float32 {shape}")


def test_uint8_images_are_refused_with_the_way_to_scale_them():
    images = tf.zeros((2, 16, 16, 3), tf.uint8)
    sentence = _refusal("cyclegan", _with(a=images))
    assert sentence.startswith("images 'a' of a batch must be float32 in [-1, 1], got uint8: scale")


@pytest.mark.parametrize(
    ("name", "key"), [("cyclegan", "a"), ("discogan", "b"), ("fader", "image"), ("ian", "image")]
)
def test_images_of_another_size_than_the_networks_are_refused(name, key):
    sentence = _refusal(name, _with(**{key: tf.zeros((2, 32, 16, 3))}))
    assert sentence == (
        f"images {key!r} of a batch must be of shape (batch, 16, 16, 3), for which the networks "
        "were built, got (2, 32, 16, 3); resize them"
    )


def test_a_batch_without_a_key_names_it():
    sentence = _refusal("fader", lambda batch: {"image": batch["image"]})
    assert sentence == (
        'a batch must be a dict {"image": images, "attributes": ...}, it has no \'attributes\', '
        "only ['image']"
    )


def test_a_batch_of_tuples_is_refused_with_the_form_of_a_batch():
    sentence = _refusal("fader", lambda batch: (batch["image"], batch["attributes"]))
    assert sentence.startswith(
        'a batch must be a dict {"image": images, "attributes": ...}, got a tuple of 2: one tensor'
    )


@pytest.mark.thorough
def test_images_of_any_size_are_taken_by_networks_of_any_size():
    shape = (None, None, 3)
    names = ("generator_ab", "generator_ba")
    settings = CycleGAN.settings_class(**CycleGAN.conformance.settings, pool_size=0)
    generators = [CycleGAN.build_generator(settings, shape, 3, name) for name in names]
    discriminators = [CycleGAN.build_discriminator(settings, shape, name) for name in "ab"]
    model = CycleGAN(*generators, *discriminators, settings=settings)
    model.compile(run_eagerly=True)
    for size in (16, 24):
        images = tf.zeros((1, size, size, 3))
        model.fit(tf.data.Dataset.from_tensors({"a": images, "b": images}), verbose=0)


def _pix2pix(discriminator_inputs, **settings):
    settings = Pix2PixSettings(**{**Pix2Pix.conformance.settings, **settings})
    networks = Pix2Pix.build_networks(settings, (16, 16, 3), (16, 16, 3))
    networks["discriminator"] = patchgan_discriminator(
        (16, 16, 3), condition_channels=3 * (discriminator_inputs - 1), layers=1, base_filters=4
    )
    return Pix2Pix(**networks, settings=settings)


@pytest.mark.parametrize(("inputs", "conditional"), [(1, True), (2, False)])
def test_a_discriminator_must_take_the_condition_exactly_if_pix2pix_is_conditional(
    inputs, conditional
):
    with pytest.raises(ValueError, match=r"`discriminator` must take .* conditional=") as error:
        _pix2pix(inputs, conditional=conditional)
    assert f"got a network of {inputs} inputs" in str(error.value)
    _pix2pix(3 - inputs, conditional=conditional)


@pytest.mark.parametrize("name", ["cyclegan", "dualgan", "discogan"])
def test_networks_of_other_channels_are_refused_by_name(name):
    model = _build(name, compiled=False)
    networks = {each: getattr(model, each) for each in model.network_names}
    other = type(model).build_discriminator(model.settings, (16, 16, 1), "discriminator_b")
    with pytest.raises(ValueError, match="`discriminator_b` must take the images of"):
        type(model)(**networks | {"discriminator_b": other}, settings=model.settings)
