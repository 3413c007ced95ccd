"""Integer recipes: what is quantized, what stays float, verification."""

import sys

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import exporters
from exporters import Calibration, ExportError, ModelError
from exporters.bundle.manifest import Manifest
from exporters.convert import tflite
from exporters.tflite_graph.macs import parameters
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.fakes import Signature, edit, generator, negative, noise, of_model, swap

NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[0] != "_"}
TYPES = {code: name for name, code in vars(schema.TensorType).items() if name[0] != "_"}
LAYERS = ("CONV_2D", "TRANSPOSE_CONV")
INTEGER_RECIPES = ("int8", "int8_float_norm", "int16x8")


def images(count, height, width):
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
        "a_to_b": {"image": np.concatenate([images(7, 16, 24), noise(1, 16, 24, 3)])},
        "edit": {"image": images(8, 8, 12), "attributes": attributes},
    }
    return exporters.export(
        signatures,
        tmp_path_factory.mktemp("quantized") / "bundle",
        recipes=("float32", *INTEGER_RECIPES),
        calibration=Calibration(inputs, {"source": "made up", "seed": 7}),
    )


def _operations(path, signature):
    """`(operation, types in, types out)` of a signature's operations, in order."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (entry,) = [each for each in model.signatureDefs if each.signatureKey.decode() == signature]
    graph = model.subgraphs[entry.subgraphIndex]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        given = [TYPES[graph.tensors[index].type] for index in operator.inputs if index >= 0]
        yield NAMES[number], given, [TYPES[graph.tensors[i].type] for i in operator.outputs]


@pytest.mark.thorough
def test_integer_recipes_verify_with_all_signatures(quantized):
    verification = exporters.verify(quantized, isolated=False)
    assert verification.failures == ()
    found = {(check.artifact, check.signature) for check in verification.outputs}
    for recipe in INTEGER_RECIPES:
        for signature in ("a_to_b", "a_to_b_uint8", "edit", "edit_uint8"):
            assert (recipe, signature) in found


@pytest.mark.thorough
@pytest.mark.parametrize("recipe", INTEGER_RECIPES)
def test_quantized_files_keep_the_input_and_output_types(quantized, recipe):
    interpreter = Interpreter(str(quantized / f"{recipe}.tflite"))
    for name, dtype in (("edit", np.float32), ("edit_uint8", np.uint8)):
        runner = interpreter.get_signature_runner(name)
        given, result = runner.get_input_details(), runner.get_output_details()
        assert given["image"]["dtype"] == result["image"]["dtype"] == dtype
        assert given["attributes"]["dtype"] == np.float32


@pytest.mark.thorough
@pytest.mark.parametrize("signature", ["a_to_b", "a_to_b_uint8"])
def test_int8_computes_layers_and_norms_in_integers(quantized, signature):
    found = list(_operations(quantized / "int8.tflite", signature))
    layers = [given for name, given, _ in found if name in LAYERS]
    assert len(layers) == 4
    assert all("FLOAT32" not in given for given in layers)
    assert all(out == ["INT8"] for name, _, out in found if name in ("MEAN", "TANH"))


@pytest.mark.thorough
@pytest.mark.parametrize("signature", ["a_to_b", "a_to_b_uint8"])
def test_int8_float_norm_leaves_norms_and_the_last_layer_float(quantized, signature):
    found = list(_operations(quantized / "int8_float_norm.tflite", signature))
    layers = [given for name, given, _ in found if name in LAYERS]
    assert [("INT8" in given, "FLOAT32" in given) for given in layers] == [
        (True, False),
        (True, False),
        (True, False),
        (False, True),  # the last one
    ]
    assert all(out == ["FLOAT32"] for name, _, out in found if name in ("MEAN", "SUB", "TANH"))


@pytest.mark.thorough
@pytest.mark.parametrize("recipe", INTEGER_RECIPES)
def test_pixels_are_scaled_in_float(quantized, recipe):
    found = list(_operations(quantized / f"{recipe}.tflite", "a_to_b_uint8"))
    assert found[0] == ("CAST", ["UINT8"], ["FLOAT32"])
    assert found[-1] == ("CAST", ["FLOAT32"], ["UINT8"])
    floors = [given for name, given, _ in found if name == "FLOOR"]
    assert floors == [["FLOAT32"]]
    assert all("FLOAT32" in given for name, given, _ in found if name in ("MINIMUM", "RELU"))


@pytest.mark.thorough
def test_sixteen_bits_are_closer_to_the_original_than_eight(quantized):
    psnr = {
        check.artifact: check.psnr
        for check in exporters.verify(quantized, isolated=False).outputs
        if check.signature == "a_to_b"
    }
    assert psnr["int16x8"] > psnr["int8_float_norm"] > psnr["int8"]


@pytest.mark.thorough
def test_weights_are_stored_once_and_in_eight_bits(quantized, model):
    weights = model.count_params()
    assert (quantized / "int8.tflite").stat().st_size < 4 * weights + 60_000


@pytest.mark.thorough
def test_lint_treats_weights_behind_the_graph_as_constants(quantized, model):
    """The quantizer stores weights behind the graph; their convolutions still run on XNNPACK."""
    shares = [
        share
        for share in exporters.lint(quantized, isolated=False).coverage
        if share.target == "xnnpack"
    ]
    found = {share.artifact: share.fast_fraction for share in shares if share.signature == "a_to_b"}
    assert found == {"float32": 1.0, "int8": 1.0, "int8_float_norm": 1.0, "int16x8": 0.0}
    kernels = sum(w.numpy().size for w in model.weights if w.name == "kernel")
    graphs = read_signatures((quantized / "int8.tflite").read_bytes())
    assert kernels < parameters([graphs["a_to_b"]]) < 1.5 * kernels


@pytest.mark.thorough
def test_weights_that_would_lie_behind_the_end_of_a_file_are_refused(quantized):
    content = (quantized / "int8.tflite").read_bytes()
    with pytest.raises(exporters.BundleError, match="broken"):
        read_signatures(content[:-1])


@pytest.mark.thorough
def test_the_manifest_keeps_rules_and_how_examples_were_chosen(quantized):
    manifest = Manifest.model_validate_json((quantized / "manifest.json").read_text())
    settings = manifest.artifacts["int8_float_norm"].settings
    assert settings["weights"] == "int8"
    assert settings["rules"][1]["scope"] == "last_layers"
    assert settings["calibration"] == {
        "examples": {"a_to_b": 8, "edit": 8, "a_to_b_uint8": 8, "edit_uint8": 8},
        "source": "made up",
        "seed": 7,
    }
    assert "calibration" not in manifest.artifacts["float32"].settings
    assert "ai-edge-quantizer" in manifest.versions


@pytest.mark.thorough
def test_a_layer_shared_by_signatures_uses_the_range_of_each(tmp_path):
    layer = keras.layers.Conv2D(3, 3, padding="same", bias_initializer="ones")
    layer.build((None, 8, 12, 3))

    def scaled(name, factor):
        return Signature(name, lambda image: {"image": 0.2 * layer(factor * image)})

    inputs = {"image": noise(16, 8, 12, 3)}
    path = exporters.export(
        {"far": scaled("far", 1.0), "near": scaled("near", 0.01)},
        tmp_path / "bundle",
        recipes=["int8"],
        calibration=Calibration({"far": inputs, "near": inputs}),
    )
    found = [
        check
        for check in exporters.verify(path, isolated=False).outputs
        if check.artifact == "int8"
    ]
    assert len(found) == 4
    assert min(check.psnr for check in found) > 35  # a bias in steps of the other's is far off


@pytest.mark.thorough
def test_int8_divides_in_float_where_small_divisors_are_not_zero(tmp_path):
    def share(image):
        return {"image": 0.1 * image / (0.1 + image * image)}

    inputs = {"image": noise(8, 8, 12, 3)}
    path = exporters.export(
        {"f": Signature("f", share)},
        tmp_path / "bundle",
        recipes=["int8"],
        calibration=Calibration({"f": inputs}),
    )
    found = list(_operations(path / "int8.tflite", "f"))
    assert [out for name, _, out in found if name == "DIV"] == [["FLOAT32"]]


@pytest.mark.thorough
def test_norms_over_a_single_pixel_run_after_conversion(tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((4, 4, 3))
    features = keras.layers.Conv2D(4, 4, strides=4)(image)  # one pixel
    features = keras.layers.GroupNormalization(-1)(features)  # its difference to the mean is 0
    outputs = keras.layers.Conv2DTranspose(3, 4, strides=4, activation="tanh")(features)
    signature = exporters.signature_of(keras.Model(image, outputs))
    path = exporters.export(
        {"a_to_b": signature},
        tmp_path / "bundle",
        recipes=["int8"],
        calibration=Calibration({"a_to_b": {"image": noise(4, 4, 4, 3)}}),
    )
    assert exporters.verify(path, isolated=False).passed


@pytest.mark.thorough
def test_a_kernel_that_ends_its_process_is_an_error_of_the_recipe(tmp_path, monkeypatch):
    def end(*_):
        raise ModelError("int8.tflite ended its process")

    monkeypatch.setattr(tflite.IsolatedRunner, "run", end)
    image = keras.Input((8, 12, 3))
    network = keras.Model(image, keras.layers.Conv2D(3, 1, activation="tanh")(image))
    with pytest.raises(ExportError, match=r"'int8': .*does not run after.* ended its process"):
        exporters.export(
            {"a_to_b": of_model("a_to_b", network)},
            tmp_path / "bundle",
            recipes=["int8"],
            calibration=Calibration({"a_to_b": {"image": noise(2, 8, 12, 3)}}),
        )


@pytest.mark.thorough
def test_a_file_that_does_not_run_is_not_exported(tmp_path, monkeypatch):
    def refuse(*_):
        raise RuntimeError("div.cc:262 was not true.")

    monkeypatch.setattr(tflite.Runner, "run", refuse)
    message = "recipe 'float32': signature 'a_to_b' does not run after conversion.*: div.cc:262"
    with pytest.raises(ExportError, match=message):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (None, "recipe 'int8' takes ranges from examples and none are given; give real ones"),
        (Calibration({}), "for every input, and signature 'swap' has none for 'image'"),
        (
            Calibration({"swap": {"image": noise(2, 8, 12, 3)}}),
            "signature 'swap' has none for 'exemplar'; give a batch",
        ),
        (
            Calibration({"swap": {"image": noise(2, 8, 12, 3), "exemplar": noise(3, 6, 6, 3)}}),
            "equally many examples.*got {'image': 2, 'exemplar': 3}",
        ),
        (
            Calibration({"swap": {"image": noise(2, 8, 8, 3)}}),
            r"`calibration` of signature 'swap', input 'image', must have shape \(n, 8, 12, 3\)",
        ),
        (Calibration({"b": {}}), "`calibration` names the signature 'b'; known are swap"),
    ],
)
def test_integer_recipes_without_proper_examples_are_refused(tmp_path, calibration, message):
    with pytest.raises(ExportError, match=message):
        exporters.export(
            {"swap": swap()}, tmp_path / "bundle", recipes=["int8"], calibration=calibration
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough
def test_without_the_quantizer_the_error_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    inputs = {"a_to_b": {"image": noise(1, 8, 12, 3)}}
    with pytest.raises(ExportError, match="needs the package ai-edge-quantizer; pip install"):
        exporters.export(
            {"a_to_b": negative()},
            tmp_path / "bundle",
            recipes=["int8"],
            calibration=Calibration(inputs),
        )
