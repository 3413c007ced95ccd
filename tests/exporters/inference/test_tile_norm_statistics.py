"""Statistics of a whole image: where tiles lie, how batches pool, and every tile gets them."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import exporters
from exporters import translate_tiles
from exporters.inference.images import to_float, to_uint8
from exporters.inference.signature_selection import image_signature
from exporters.inference.tile_norm_statistics import (
    halton_positions,
    pool_statistics,
    tile_signature,
    whole_image_statistics,
)
from tests.exporters.fakes import Signature, Tensor

ROWS = (Tensor("means", (None, 3), value_range=None), Tensor("scales", (None, 3), value_range=None))
TILES = Tensor("tiles", (2, 8, 12, 3))


def _of(values, axes):
    mean = tf.reduce_mean(values, axes, keepdims=True)
    return mean, tf.math.rsqrt(tf.reduce_mean((values - mean) * (values - mean), axes, True) + 1e-5)


def _live(image):
    mean, scale = _of(image, [1, 2])
    return {"image": tf.clip_by_value(0.5 * (image - mean) * scale, -1.0, 1.0)}


def _statistics(tiles):
    mean, scale = _of(tiles, [0, 1, 2])
    return {"means": tf.reshape(mean, [1, 3]), "scales": tf.reshape(scale, [1, 3])}


def _tile(image, means, scales):
    normalized = 0.5 * (image - means[:, None, None]) * scales[:, None, None]
    return {"image": tf.clip_by_value(normalized, -1.0, 1.0)}


def _signatures():
    return {
        "a_to_b": Signature("a_to_b", _live),
        "a_to_b_statistics": Signature("a_to_b_statistics", _statistics, (TILES,), ROWS),
        "a_to_b_tile": Signature("a_to_b_tile", _tile, (Tensor(), *ROWS)),
    }


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "bundle"
    path = exporters.export(_signatures(), folder, aspect="letterbox")
    return exporters.Runner(exporters.open_bundle(path))


def _image(height, width):
    """Noise that brightens to the right, so that tiles by themselves would be tinted unlike."""
    noise = np.random.default_rng(height).normal(0, 12, (height, width, 3))
    return np.clip(40 + 150 * np.linspace(0, 1, width)[:, None] + noise, 0, 255).astype(np.uint8)


def test_tile_positions_are_a_halton_sequence_worked_by_hand():
    # 1, 2, 3 in base 2 are .1, .01, .11 and in base 3 .1, .2, .01: (1/2, 1/3), (1/4, 2/3),
    # (3/4, 1/9); of 36 rows and 45 columns (18, 15), (9, 30), (27, 5).
    assert halton_positions(0, 3, 35, 44) == [(18, 15), (9, 30), (27, 5)]
    assert halton_positions(2, 1, 35, 44) == [(27, 5)]
    assert halton_positions(0, 2, 0, 0) == [(0, 0), (0, 0)]


def test_batch_statistics_are_pooled_as_if_all_pixels_were_one_image():
    pixels = np.random.default_rng(0).normal([[[3.0]], [[-2.0]]], [[[1.0]], [[4.0]]], (2, 90, 3))
    means = [each.mean(0, keepdims=True) for each in pixels]
    scales = [(each.var(0, keepdims=True) + 1e-2) ** -0.5 for each in pixels]
    found, every = pool_statistics(means, scales), pixels.reshape(-1, 3)
    np.testing.assert_allclose(found["means"][0], every.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found["scales"][0], (every.var(0) + 1e-2) ** -0.5, rtol=1e-6)


@pytest.mark.thorough
@pytest.mark.parametrize("size", [(37, 50), (8, 90), (5, 90)])
def test_every_tile_is_normalized_with_the_images_statistics_by_numpy(runner, size):
    pixels = _image(*size)
    missing = max(0, 8 - size[0])  # letterboxed: mirrored, half of it above
    borders = (missing // 2, missing - missing // 2)
    filled = np.pad(pixels, (borders, (0, 0), (0, 0)), "reflect")
    count = -(-filled.shape[0] * filled.shape[1] // 96)  # as many tiles as make up its area
    positions = halton_positions(0, count + count % 2, filled.shape[0] - 8, filled.shape[1] - 12)
    cut = to_float(np.stack([filled[top : top + 8, left : left + 12] for top, left in positions]))
    mean, deviation = cut.mean((0, 1, 2)), np.sqrt(cut.var((0, 1, 2), dtype=np.float64) + 1e-5)
    expected = to_uint8(0.5 * (to_float(pixels) - mean) / deviation)
    for overlap in (0, 4):
        translated = translate_tiles(runner, pixels, signature="a_to_b", overlap=overlap)
        assert np.abs(translated.astype(int) - expected).max() <= 1  # rounded once a tile
    whole = to_float(pixels)
    np.testing.assert_allclose(mean, whole.mean((0, 1)), atol=0.1)
    np.testing.assert_allclose(deviation, whole.std((0, 1)), rtol=0.25)


def test_an_image_of_the_models_size_needs_no_statistics(runner):
    pixels = _image(8, 12)
    plain = runner.run("a_to_b_uint8", {"image": pixels[None]})["image"][0]
    np.testing.assert_array_equal(translate_tiles(runner, pixels, signature="a_to_b"), plain)


def test_a_constant_image_is_normalized_with_its_statistics(runner):
    chosen = image_signature(runner, "a_to_b")
    found = whole_image_statistics(runner, chosen, np.full((40, 60, 3), (0, 102, 255), np.uint8))
    np.testing.assert_allclose(found["means"], [[-1.0, -0.2, 1.0]], atol=1e-6)
    np.testing.assert_allclose(found["scales"], np.full((1, 3), 1e-5**-0.5), rtol=1e-3)


def test_signatures_with_matching_names_but_other_tensors_are_ignored(runner):
    chosen = image_signature(runner, "a_to_b")
    assert tile_signature(runner, chosen) == "a_to_b_tile_uint8"
    records = dict(runner.signatures)
    without = {name: records[name] for name in ("a_to_b", "a_to_b_uint8")}
    tile = records["a_to_b_tile_uint8"]
    fewer = {"a_to_b_tile_uint8": tile.model_copy(update={"inputs": tile.inputs[:2]})}
    for signatures in (without, records | fewer):
        assert tile_signature(_Model(signatures), chosen) is None


@dataclasses.dataclass(frozen=True)
class _Model:
    signatures: dict
    run: None = None
