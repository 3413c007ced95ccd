"""Limits of float32 files that follow how much rounding changes the model itself."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import exporters
from exporters.convert.recipes import RECIPES, Tolerance
from exporters.verification.eager_reference import golden_cases
from exporters.verification.rounding import MAX_ROUNDING_ERROR, measure_rounding
from tests.exporters.fakes import Signature, Tensor

IMAGE = Tensor("image", (None, 8, 12, 3))


def _shifted(by):
    """The identity, and a function in float64 that differs from it by a constant."""
    return exporters.Signature(
        "a_to_b",
        lambda image: {"image": tf.identity(image)},
        (IMAGE,),
        (IMAGE,),
        float64_function=lambda image: {"image": image + tf.constant(by, tf.float64)},
    )


def _measured(signature):
    records = exporters.bundle.signatures.make_records({"a_to_b": signature})
    cases = golden_cases({"a_to_b": signature}, records, {}, seed=0)
    return measure_rounding({"a_to_b": signature}, records, cases)["a_to_b"], cases["a_to_b"]


def test_limits_on_errors_grow_and_others_stay():
    float32 = RECIPES["float32"].float_tolerance
    assert float32.allowing_rounding(0.0) == float32.allowing_rounding(1e-5) == float32
    assert float32.allowing_rounding(1e-4) == Tolerance(max_abs=8e-4)
    float16 = RECIPES["float16"].float_tolerance
    assert float16.allowing_rounding(MAX_ROUNDING_ERROR) == float16


def test_rounding_of_a_keras_model_is_its_difference_from_numpy_in_float64():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 12, 3))
    dense = keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.1))
    network = keras.Model(image, dense(image))
    record, cases = _measured(exporters.signature_of(network, ranges=(-1, 1)))
    exact = cases.inputs["image"].astype(np.float64) @ dense.kernel.numpy().astype(np.float64)
    expected = np.abs(exact - cases.outputs["image"]).max()
    assert record.rounding_error == pytest.approx(expected, rel=1e-6)
    assert 0 < record.rounding_error < 1e-6


def test_verify_allows_eight_times_the_rounding_that_export_recorded(tmp_path):
    bundle = exporters.export({"a_to_b": _shifted(3e-4)}, tmp_path / "bundle")
    manifest = exporters.open_bundle(bundle).manifest
    assert manifest.signatures["a_to_b"].rounding_error == pytest.approx(3e-4, rel=1e-6)
    assert manifest.signatures["a_to_b_uint8"].rounding_error == 0
    limits = {
        (each.artifact, each.signature): each.tolerance.max_abs
        for each in exporters.verify(bundle, isolated=False).outputs
    }
    assert limits["float32", "a_to_b"] == pytest.approx(2.4e-3)
    assert limits["float32", "a_to_b_uint8"] == 1


def test_float_outputs_of_the_uint8_variant_and_golden_files_have_the_same_limit(tmp_path):
    latent = Tensor("latent", (None, 8, 12, 3), value_range=None)
    by = tf.constant(3e-4, tf.float64)
    signature = exporters.Signature(
        "a_to_b",
        lambda image: {"image": tf.identity(image), "latent": 2.0 * image},
        (IMAGE,),
        (IMAGE, latent),
        float64_function=lambda image: {"image": image + by, "latent": 2.0 * image + by},
    )
    bundle = exporters.export({"a_to_b": signature}, tmp_path / "bundle", recipes=["float32"])
    limits = {
        (each.signature, each.output): each.tolerance.max_abs
        for each in exporters.verify(bundle, isolated=False).outputs
        if each.artifact == "float32"
    }
    assert limits["a_to_b_uint8", "latent"] == limits["a_to_b", "latent"] == pytest.approx(2.4e-3)
    assert limits["a_to_b_uint8", "image"] == 1
    index = json.loads((bundle / "golden" / "index.json").read_text())
    golden = {each["name"]: each["tolerance"] for each in index["cases"][0]["outputs"]}
    assert golden["latent"]["float32.tflite"]["max_abs"] == limits["a_to_b_uint8", "latent"]


def test_larger_errors_are_recorded_up_to_a_limit_with_a_warning():
    with pytest.warns(UserWarning, match=r"rounding to float32 alone changes .* 'a_to_b' by 0.01"):
        record, _ = _measured(_shifted(1e-2))
    assert record.rounding_error == MAX_ROUNDING_ERROR


def test_a_layer_that_has_no_float64_is_named_and_the_usual_limit_stays():
    class InFloat32(keras.layers.Layer):
        def call(self, x):
            return tf.cast(x, tf.float32) * tf.constant(0.5, tf.float32) + 0 * x

    image = keras.Input((8, 12, 3))
    signature = exporters.signature_of(keras.Model(image, InFloat32()(image)), ranges=(-1, 1))
    with pytest.warns(UserWarning, match="'a_to_b' was not compared with float64"):
        record, _ = _measured(signature)
    assert record.rounding_error == 0


def test_functions_without_float64_are_not_measured(recwarn):
    record, _ = _measured(Signature("a_to_b", lambda image: {"image": -image}, (IMAGE,), (IMAGE,)))
    assert record.rounding_error == 0
    assert not recwarn
