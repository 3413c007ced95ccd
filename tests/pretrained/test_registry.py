"""Pretrained networks: architecture, assignment of weights, and networks loaded from files."""

import csv
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tf_translate import images
from tf_translate.errors import DataError
from tf_translate.packages import cache_folder, is_cached
from tf_translate.pretrained import dlib_face, efficientnet_lite0, inception_v3
from tf_translate.pretrained.registry import PretrainedNetwork, load_pretrained


def tiny(side=8, channels=3):
    """A network of one convolution, with features that are not a flat vector."""
    layers = [keras.layers.Conv2D(2, 3, 2, padding="same"), keras.layers.AveragePooling2D(2)]
    return keras.Sequential([keras.Input((side, side, channels)), *layers])


def test_efficientnet_lite0_has_the_published_number_of_parameters():
    # Published: 4,652,008, with a classifier of 1280 x 1000 + 1000, and a scale and an offset for
    # each normalized channel. After folding, one bias per channel replaces the two.
    channels, inputs = 32 + 1280, 32
    for repeats, _, _, expansion, outputs in efficientnet_lite0.STAGES:
        for _ in range(repeats):
            wide = inputs * expansion
            channels += (wide if expansion > 1 else 0) + wide + outputs
            inputs = outputs
    network = efficientnet_lite0.build()
    assert network.count_params() == 4_652_008 - 1_281_000 - channels
    assert network.output_shape == (None, 1280)
    assert not network.trainable_variables


def test_dlib_face_has_29_convolutions_and_as_many_parameters_as_its_package():
    network = dlib_face.build()
    convolutions = [la for la in network.layers if isinstance(la, keras.layers.Conv2D)]
    assert len(convolutions) == 29
    # First 7 x 7 x 3 x 32 + 32, then 3 x 3 with a bias each, last a matrix without bias.
    widths = [32, *(channels for _, channels in dlib_face.BLOCKS)]
    blocks = sum(9 * i * o + o + 9 * o * o + o for i, o in pairwise(widths))
    assert network.count_params() == 4736 + blocks + 256 * 128
    assert not network.trainable_variables


def test_batch_normalization_is_folded_into_the_preceding_convolution():
    random = np.random.default_rng(0)
    kernel, scale, shift, mean = random.normal(size=(5, 3, 3, 3)), *random.normal(size=(3, 5))
    variance = random.uniform(0.5, 2.0, 5)
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(5, 3, name="c")])
    norm = {"weight": scale, "bias": shift, "running_mean": mean, "running_var": variance}
    efficientnet_lite0._fold(
        model,
        "c",
        {"c.weight": kernel} | {f"n.{name}": values for name, values in norm.items()},
        "c",
        "n",
    )
    inputs = random.normal(size=(1, 6, 6, 3)).astype(np.float32)
    plain = np.einsum("ocij,ijc->o", kernel, inputs[0, 1:4, 2:5])
    expected = (plain - mean) / np.sqrt(variance + 1e-3) * scale + shift
    np.testing.assert_allclose(np.asarray(model(inputs))[0, 1, 2], expected, rtol=1e-4, atol=1e-5)


def test_weights_of_8_bits_are_dequantized_as_scale_times_value_plus_minimum():
    entries = [
        {"name": "a", "shape": [2], "quantization": {"scale": 0.5, "min": -1.0}},
        {"name": "b", "shape": [1, 1]},
    ]
    data = bytes([0, 4]) + np.array([2.5], "<f4").tobytes()
    arrays = dlib_face.read_manifest([{"weights": entries}], data)
    np.testing.assert_array_equal(arrays["a"], [-1.0, 1.0])
    np.testing.assert_array_equal(arrays["b"], [[2.5]])
    with pytest.raises(DataError, match="are truncated in b"):
        dlib_face.read_manifest([{"weights": entries}], data[:-1])
    with pytest.raises(DataError, match="have 7 bytes, their manifest declares 6"):
        dlib_face.read_manifest([{"weights": entries}], data + b"\0")


@pytest.mark.parametrize("shape", [(8, 8, 3), (12, 20, 1), (16, 16, 4), (5, 5, 3)])
def test_as_model_gives_the_values_of_embed_before_and_after_saving(tmp_path, shape):
    pretrained = PretrainedNetwork("tiny", tiny())
    images = np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype(np.float32)
    embedded = pretrained.embed(images)
    assert embedded.shape == (3, 8)
    model = pretrained.as_model(shape)
    np.testing.assert_allclose(np.asarray(model(images)), embedded, atol=1e-5)
    model.save(tmp_path / "f.keras")
    loaded = keras.saving.load_model(tmp_path / "f.keras", compile=False)
    np.testing.assert_allclose(np.asarray(loaded(images)), embedded, atol=1e-5)
    assert loaded.input_shape == (None, *shape)


def test_as_model_converts_to_tflite_with_built_in_operations_only():
    pretrained = PretrainedNetwork("tiny", tiny())
    model = pretrained.as_model((12, 20, 3))
    images = np.random.default_rng(0).uniform(-1, 1, (1, 12, 20, 3)).astype(np.float32)
    converted = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    runner = Interpreter(model_content=converted).get_signature_runner()
    np.testing.assert_allclose(
        next(iter(runner(image=images).values())), pretrained.embed(images), atol=1e-4
    )


def test_any_network_is_loaded_from_a_file_and_frozen(tmp_path):
    network = tiny()
    network.save(tmp_path / "mine.keras")
    pretrained = load_pretrained(tmp_path / "mine.keras")
    assert (pretrained.name, pretrained.size) == ("mine", (8, 8))
    assert not pretrained.network.trainable_variables
    images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(
        pretrained.embed(images), np.asarray(network(images)).reshape(2, 8), atol=1e-6
    )


def test_a_file_that_is_no_network_of_rgb_images_is_refused_by_name(tmp_path):
    with pytest.raises(
        DataError,
        match=r"one of efficientnet_lite0, dlib_face, inception_v3 or a .*mean efficientnet_lite0",
    ):
        load_pretrained("lite0")
    (tmp_path / "no.keras").write_bytes(b"no")
    with pytest.raises(DataError, match=r"no\.keras is not a zip file"):
        load_pretrained(tmp_path / "no.keras")
    tiny(channels=1).save(tmp_path / "grey.keras")
    with pytest.raises(DataError, match=r"height, width, 3\) of one size, its input"):
        load_pretrained(tmp_path / "grey.keras")
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels\), got \(8, 8, 2\)"):
        PretrainedNetwork("tiny", tiny()).as_model((8, 8, 2))


needs = "needs {}, downloaded by `tf-translate pretrained {} --output FILE.keras`"


@pytest.mark.skipif(
    not is_cached(efficientnet_lite0.PACKAGE),
    reason=needs.format("17 MB", "efficientnet_lite0"),
)
def test_efficientnet_lite0_with_its_weights_classifies_a_cat_and_a_cup_of_coffee():
    data = pytest.importorskip("skimage.data")
    network, named = load_pretrained("efficientnet_lite0"), efficientnet_lite0.read_weights()
    for image, classes in ((data.chelsea(), {281, 282, 285}), (data.coffee(), {967})):
        height, width = image.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = images.to_float(image[None, top : top + side, left : left + side])
        scores = network.embed(square) @ named["_fc.weight"].T + named["_fc.bias"]
        assert scores.argmax() in classes


ORL = cache_folder() / "fetched" / "orl-1.4.0" / "orl.csv"


@pytest.mark.skipif(
    not (is_cached(dlib_face.PACKAGE) and ORL.is_file()),
    reason=needs.format("12 MB and ORL", "dlib_face") + " and `tf-translate data fetch orl`",
)
def test_dlib_face_with_its_weights_recognizes_a_person_among_40():
    with ORL.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    faces = np.stack([images.read(ORL.parent / row["image"], channels=1) for row in rows])
    person = np.array([row["person"] for row in rows])
    features = load_pretrained("dlib_face").embed(images.to_float(faces))
    distances = ((features[:, None] - features) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    assert (person[distances.argmin(1)] == person).mean() > 0.96  # measured .978


@pytest.mark.slow
def test_inception_v3_has_the_published_number_of_parameters():
    network = inception_v3.build()
    assert network.count_params() == 23_851_784 - 2_049_000  # without the classifier
    assert (network.input_shape, network.output_shape) == ((None, 299, 299, 3), (None, 2048))


def test_inception_v3_never_has_weights_of_chance(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def unreachable(**options):
        assert options["weights"] == "imagenet"
        raise Exception("URL fetch failure")  # the class that Keras raises

    monkeypatch.setattr(keras.applications, "InceptionV3", unreachable)
    for name in ("inception_v3", "inception"):
        with pytest.raises(DataError, match=rf"neither in {tmp_path}.*URL fetch failure; .*lite0"):
            load_pretrained(name)
