"""Integer recipes: what is quantised, what stays float, and that it verifies."""

import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import exporters
from exporters import Calibration, ExportError
from tests.exporters.fakes import edit, generator, noise, of_model, swap

INTEGER_RECIPES = ("int8", "int8_float_norm", "int16x8")


def pictures(count, height, width):
    """Soft gradients of random colours, as unlike noise as photographs are."""
    random = np.random.default_rng(7)
    corners = random.uniform(-1, 1, (count, 2, 1, 3))
    ramp = np.linspace(0, 1, height)[:, None, None]
    rows = corners[:, :1] * (1 - ramp) + corners[:, 1:] * ramp  # (n, height, 1, 3)
    return np.broadcast_to(rows, (count, height, width, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return generator(1, filters=8)


@pytest.fixture(scope="module")
def quantized(model, tmp_path_factory):
    signatures = {"a_to_b": of_model("a_to_b", model), "edit": edit()}
    attributes = np.float32([[1, 0, 1], [0, 1, 0]] * 4)
    inputs = {
        "a_to_b": {"image": np.concatenate([pictures(7, 16, 24), noise(1, 16, 24, 3)])},
        "edit": {"image": pictures(8, 8, 12), "attributes": attributes},
    }
    return exporters.export(
        signatures,
        tmp_path_factory.mktemp("quantized") / "bundle",
        recipes=("float32", *INTEGER_RECIPES),
        calibration=Calibration(inputs, {"source": "made up", "seed": 7}),
    )


def _tensors(path, signature):
    """Types of the signature's tensors by name, and its inputs and outputs."""
    return {t["name"]: t["dtype"] for t in _details(path, signature)}


def _details(path, signature):
    interpreter = Interpreter(str(path))
    index = sorted(interpreter.get_signature_list()).index(signature)
    return interpreter.get_tensor_details(index)


def test_integer_recipes_verify_with_all_signatures(quantized):
    verification = exporters.verify(quantized)
    assert verification.failures == ()
    found = {(check.artifact, check.signature) for check in verification.outputs}
    for recipe in INTEGER_RECIPES:
        for signature in ("a_to_b", "a_to_b_uint8", "edit", "edit_uint8"):
            assert (recipe, signature) in found


@pytest.mark.parametrize("recipe", INTEGER_RECIPES)
def test_the_border_keeps_the_types_of_the_signature(quantized, recipe):
    interpreter = Interpreter(str(quantized / f"{recipe}.tflite"))
    for name, dtype in (("edit", np.float32), ("edit_uint8", np.uint8)):
        runner = interpreter.get_signature_runner(name)
        given, result = runner.get_input_details(), runner.get_output_details()
        assert given["image"]["dtype"] == result["image"]["dtype"] == dtype
        assert given["attributes"]["dtype"] == np.float32
