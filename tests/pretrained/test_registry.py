"""Pretrained networks: their architecture, how weights get into them, and any network by file."""

import csv
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tests.evaluation.toys import blobs
from tf_translate import images
from tf_translate.errors import DataError
from tf_translate.evaluation.metrics.pretrained_metrics import FeatureFigures, feature_metrics
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.packages import cache_folder, is_here
from tf_translate.pretrained import dlib_face, efficientnet_lite0
from tf_translate.pretrained.registry import Features, load_features


def tiny(side=8, channels=3):
    """A network of one convolution, with features of another shape than a row."""
    layers = [keras.layers.Conv2D(2, 3, 2, padding="same"), keras.layers.AveragePooling2D(2)]
    return keras.Sequential([keras.Input((side, side, channels)), *layers])


def test_lite0_has_the_published_number_of_parameters():
    # 4,652,008 is published, with a classifier of 1280 x 1000 + 1000, and a scale and a shift for
    # each channel that is normalised; folded in, one bias a channel is left of the two.
    channels, inputs = 32 + 1280, 32
    for repeats, _, _, expansion, outputs in efficientnet_lite0.STAGES:
        for _ in range(repeats):
            wide = inputs * expansion
            channels += (wide if expansion > 1 else 0) + wide + outputs
            inputs = outputs
    network = efficientnet_lite0.network()
    assert network.count_params() == 4_652_008 - 1_281_000 - channels
    assert network.output_shape == (None, 1280)
    assert not network.trainable_variables


def test_face128_has_29_convolutions_and_as_many_parameters_as_its_package_has_weights():
    network = dlib_face.network()
    convolutions = [la for la in network.layers if isinstance(la, keras.layers.Conv2D)]
    assert len(convolutions) == 29
    # The first: 7 x 7 x 3 x 32 + 32; then 3 x 3 each with a bias, and the last matrix without.
    widths = [32, *(channels for _, channels in dlib_face.BLOCKS)]
    blocks = sum(9 * i * o + o + 9 * o * o + o for i, o in pairwise(widths))
    assert network.count_params() == 4736 + blocks + 256 * 128
    assert not network.trainable_variables


def test_a_normalisation_goes_into_the_convolution_before_it():
    random = np.random.default_rng(0)
    kernel, scale, shift, mean = random.normal(size=(5, 3, 3, 3)), *random.normal(size=(3, 5))
    variance = random.uniform(0.5, 2.0, 5)
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(5, 3, name="c")])
    numbers = {"weight": scale, "bias": shift, "running_mean": mean, "running_var": variance}
    efficientnet_lite0._fold(
        model,
        "c",
        {"c.weight": kernel} | {f"n.{name}": values for name, values in numbers.items()},
        "c",
        "n",
    )
    seen = random.normal(size=(1, 6, 6, 3)).astype(np.float32)
    plain = np.einsum("ocij,ijc->o", kernel, seen[0, 1:4, 2:5])
    expected = (plain - mean) / np.sqrt(variance + 1e-3) * scale + shift
    np.testing.assert_allclose(np.asarray(model(seen))[0, 1, 2], expected, rtol=1e-4, atol=1e-5)


def test_weights_of_8_bits_are_scale_times_number_plus_least():
    entries = [
        {"name": "a", "shape": [2], "quantization": {"scale": 0.5, "min": -1.0}},
        {"name": "b", "shape": [1, 1]},
    ]
    data = bytes([0, 4]) + np.array([2.5], "<f4").tobytes()
    found = dlib_face.read_manifest([{"weights": entries}], data)
    np.testing.assert_array_equal(found["a"], [-1.0, 1.0])
    np.testing.assert_array_equal(found["b"], [[2.5]])
    with pytest.raises(DataError, match="end before b is whole"):
        dlib_face.read_manifest([{"weights": entries}], data[:-1])
    with pytest.raises(DataError, match="have 7 bytes, their manifest says 6"):
        dlib_face.read_manifest([{"weights": entries}], data + b"\0")


@pytest.mark.parametrize("shape", [(8, 8, 3), (12, 20, 1), (16, 16, 4), (5, 5, 3)])
def test_the_network_as_a_model_is_what_embed_gives_before_and_after_saving(tmp_path, shape):
    features = Features("tiny", tiny())
    images = np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype(np.float32)
    embedded = features.embed(images)
    assert embedded.shape == (3, 8)
    model = features.as_model(shape)
    np.testing.assert_allclose(np.asarray(model(images)), embedded, atol=1e-5)
    model.save(tmp_path / "f.keras")
    loaded = keras.saving.load_model(tmp_path / "f.keras", compile=False)
    np.testing.assert_allclose(np.asarray(loaded(images)), embedded, atol=1e-5)
    assert loaded.input_shape == (None, *shape)


def test_the_network_as_a_model_becomes_tflite_of_built_in_operations():
    features = Features("tiny", tiny())
    model = features.as_model((12, 20, 3))
    images = np.random.default_rng(0).uniform(-1, 1, (1, 12, 20, 3)).astype(np.float32)
    converted = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    runner = Interpreter(model_content=converted).get_signature_runner()
    np.testing.assert_allclose(
        next(iter(runner(image=images).values())), features.embed(images), atol=1e-4
    )


def test_any_network_is_taken_by_its_path_and_frozen(tmp_path):
    network = tiny()
    network.save(tmp_path / "mine.keras")
    features = load_features(tmp_path / "mine.keras")
    assert (features.name, features.size) == ("mine", (8, 8))
    assert not features.network.trainable_variables
    images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(
        features.embed(images), np.asarray(network(images)).reshape(2, 8), atol=1e-6
    )


def test_what_is_no_network_of_images_is_told(tmp_path):
    with pytest.raises(DataError, match=r"lite0, face128 or a \.keras file.*did you mean lite0"):
        load_features("lite")
    (tmp_path / "no.keras").write_bytes(b"no")
    with pytest.raises(DataError, match=r"no\.keras cannot be loaded"):
        load_features(tmp_path / "no.keras")
    tiny(channels=1).save(tmp_path / "grey.keras")
    with pytest.raises(DataError, match=r"height, width, 3\) of one size, it reads"):
        load_features(tmp_path / "grey.keras")
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels\), got \(8, 8, 2\)"):
        Features("tiny", tiny()).as_model((8, 8, 2))


@pytest.fixture(scope="module")
def direction():
    source, target = blobs(24, seed=3)
    return Direction("a_to_b", source, target, outputs=target, truth=target)


def test_metrics_of_a_network_are_named_by_it_and_by_the_size_of_the_images(direction):
    networks = [Features("toy", tiny(16))]
    metrics = FeatureFigures(direction, networks, seed=0)
    own = np.arange(24)
    same, moved = metrics.of(direction.source, own), metrics.of(direction.target, own)
    assert list(same) == ["content/identity/toy@32", "domain/kid/toy@32"]
    assert [f.name for f in feature_metrics(direction, networks, "n = 24", seed=0)] == list(same)
    assert same["content/identity/toy@32"].value == pytest.approx(1.0)
    assert moved["content/identity/toy@32"].value < 1.0
    # Cosines worked out one by one.
    a, b = (networks[0].embed(side) for side in (direction.source, direction.target))
    cosines = [x @ y / np.sqrt((x @ x) * (y @ y)) for x, y in zip(a, b, strict=True)]
    assert moved["content/identity/toy@32"].value == pytest.approx(np.mean(cosines), abs=1e-6)
    error = moved["content/identity/toy@32"].standard_error
    assert error == pytest.approx(np.std(cosines, ddof=1) / np.sqrt(24), abs=1e-6)
    far, near = same["domain/kid/toy@32"], moved["domain/kid/toy@32"]
    assert far.value > near.value + far.standard_error
    (floor,) = metrics.references().items()
    assert floor[0] == "kid/toy@32 floor (target vs target, halves)"
    assert abs(floor[1].value) < 4 * floor[1].standard_error


needs = "needs {}, which is fetched by `tf-translate features {} --output FILE.keras`"


@pytest.mark.skipif(not is_here(efficientnet_lite0.PACKAGE), reason=needs.format("17 MB", "lite0"))
def test_the_real_lite0_knows_a_cat_and_a_cup_of_coffee():
    data = pytest.importorskip("skimage.data")
    features, named = load_features("lite0"), efficientnet_lite0.weights()
    for image, wanted in ((data.chelsea(), {281, 282, 285}), (data.coffee(), {967})):
        height, width = image.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = images.to_float(image[None, top : top + side, left : left + side])
        scores = features.embed(square) @ named["_fc.weight"].T + named["_fc.bias"]
        assert scores.argmax() in wanted


ORL = cache_folder() / "fetched" / "orl-1.4.0" / "orl.csv"


@pytest.mark.skipif(
    not (is_here(dlib_face.PACKAGE) and ORL.is_file()),
    reason=needs.format("12 MB and ORL", "face128") + " and `tf-translate data fetch orl`",
)
def test_the_real_face_network_finds_a_person_among_40():
    with ORL.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    faces = np.stack([images.read(ORL.parent / row["image"], channels=1) for row in rows])
    person = np.array([row["person"] for row in rows])
    features = load_features("face128").embed(images.to_float(faces))
    distances = ((features[:, None] - features) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    assert (person[distances.argmin(1)] == person).mean() > 0.96  # measured .978
