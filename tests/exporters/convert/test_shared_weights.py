"""A float32 and a uint8 signature in one file share their weights, whatever the recipe."""

from collections import Counter

import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import exporters
from exporters import Calibration
from exporters.convert import calibration, quantize, tflite
from exporters.convert.recipes import RECIPES
from tests.exporters.fakes import generator, noise, of_model

EXAMPLES = Calibration({"a_to_b": {"image": noise(3, 16, 24, 3)}}, {"source": "made up"})


@pytest.fixture(scope="module")
def model():
    return generator(1, filters=48)


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    """Every recipe there is, each file with both signatures."""
    return exporters.export(
        {"a_to_b": of_model("a_to_b", model)},
        tmp_path_factory.mktemp("shared") / "bundle",
        recipes=list(RECIPES),
        calibration=EXAMPLES,
    )


def _with_one_signature(bundle, recipe) -> bytes:
    """What the same recipe makes of the float signature by itself."""
    records = {"a_to_b": exporters.open_bundle(bundle).manifest.signatures["a_to_b"]}
    if not recipe.calibrated:
        return tflite.convert(bundle / "saved_model", recipe, records)
    float32 = tflite.convert(bundle / "saved_model", RECIPES["float32"], records)
    examples = calibration.cases(records, EXAMPLES, recipe.name)
    return quantize.quantize(float32, recipe, records, examples)


def _weights(content: bytes) -> list[bytes]:
    """The constants of a file that are large enough to be kernels."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    found = [bytes(buffer.data) for buffer in model.buffers if buffer.data is not None]
    return [data for data in found if len(data) >= 1000]


@pytest.mark.thorough
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_the_second_signature_adds_no_weights_to_the_file(bundle, model, recipe):
    two = (bundle / f"{recipe.name}.tflite").read_bytes()
    one = _with_one_signature(bundle, recipe)
    assert Interpreter(model_content=one).get_signature_list().keys() == {"a_to_b"}
    assert Interpreter(model_content=two).get_signature_list().keys() == {"a_to_b", "a_to_b_uint8"}
    print(f"{recipe.name}: {len(one)} bytes with one signature, {len(two)} with two")
    weights = sum(map(len, _weights(one)))
    bytes_each = {"float32": 4, "float16": 2}.get(recipe.settings.weights, 1)
    kernels = sum(w.shape.num_elements() for w in model.weights if len(w.shape) == 4)
    assert weights >= 0.9 * bytes_each * kernels  # the file's kernels are among them
    assert len(two) - len(one) < 0.25 * weights + 10_000  # graphs, not weights
    assert sum(map(len, _weights(two))) == weights
    assert max(Counter(_weights(two)).values()) == 1
