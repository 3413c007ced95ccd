import hashlib
import json
import os
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import exporters
from exporters import ExportError
from exporters.bundle.bundle import Bundle
from exporters.convert.tflite import check_outputs
from exporters.tflite_graph.summary import STATEFUL, read_graph
from exporters.verification import golden
from tests.exporters.conftest import ALL_RECIPES
from tests.exporters.fakes import Signature, Tensor, generator, negative, noise, of_model


@pytest.mark.parametrize("recipe", ALL_RECIPES)
def test_only_built_in_operations_and_static_shapes(exported, recipe):
    graph = read_graph((exported / f"{recipe}.tflite").read_bytes())
    assert graph.operations["CONV_2D"] > 0
    assert not graph.custom
    assert graph.dynamic == ()
    assert not STATEFUL & set(graph.operations)


@pytest.mark.thorough
def test_the_operations_read_are_those_the_interpreter_lists(tmp_path, generators):
    model, tensor = generators["a_to_b"], Tensor(shape=(None, 16, 24, 3), value_range=None)
    alone = Signature("f", lambda image: {"image": model(image)}, (tensor,), (tensor,))
    path = exporters.export({"f": alone}, tmp_path / "bundle") / "float32.tflite"
    interpreter = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    listed = Counter(op["op_name"] for op in interpreter._get_ops_details())
    assert listed["CONV_2D"] == 3
    assert read_graph(path.read_bytes()).operations == listed


@pytest.mark.parametrize("recipe", ALL_RECIPES)
def test_every_recipe_keeps_all_signatures_with_their_types(exported, recipe):
    details = Interpreter(str(exported / f"{recipe}.tflite"))
    assert sorted(details.get_signature_list()) == [
        "a_to_b",
        "a_to_b_uint8",
        "b_to_a",
        "b_to_a_uint8",
    ]
    for name, dtype in (("a_to_b", np.float32), ("a_to_b_uint8", np.uint8)):
        runner = details.get_signature_runner(name)
        (given,), (result,) = (
            runner.get_input_details().values(),
            runner.get_output_details().values(),
        )
        assert given["dtype"] == result["dtype"] == dtype
        assert list(given["shape"]) == [1, 16, 24, 3]


def test_weights_are_stored_once_for_four_signatures(exported, generators):
    weights = sum(4 * model.count_params() for model in generators.values())
    saved = sum(f.stat().st_size for f in (exported / "saved_model").rglob("*") if f.is_file())
    assert weights < saved < 1.5 * weights + 150_000  # graphs of four signatures: about 100 kB
    float32 = (exported / "float32.tflite").stat().st_size
    assert 0.9 * weights < float32 < 1.2 * weights  # twice would be 2.0
    assert (exported / "float16.tflite").stat().st_size < 0.7 * float32
    assert (exported / "dynamic_int8.tflite").stat().st_size < 0.5 * float32


def test_untracked_variables_do_not_come_back_as_nan(exported, generators):
    images = noise(1, 16, 24, 3, seed=11)
    for name, model in generators.items():
        expected = model.predict(images, verbose=0)
        saved = tf.saved_model.load(str(exported / "saved_model"))
        lite = Interpreter(str(exported / "float32.tflite")).get_signature_runner(name)
        assert np.ptp(expected) > 0.1
        np.testing.assert_allclose(
            saved.signatures[name](image=tf.constant(images))["image"], expected, atol=1e-5
        )
        np.testing.assert_allclose(lite(image=images)["image"], expected, atol=1e-4)


def test_uint8_equals_float_scaled_outside_within_a_level(exported):
    pixels = np.random.default_rng(2).integers(0, 256, (1, 16, 24, 3), np.uint8)
    interpreter = Interpreter(str(exported / "float32.tflite"))
    for name in ("a_to_b", "b_to_a"):
        scaled = (pixels / 127.5 - 1).astype(np.float32)
        floats = interpreter.get_signature_runner(name)(image=scaled)["image"]
        expected = (floats.astype(np.float64) + 1) * 127.5
        found = interpreter.get_signature_runner(f"{name}_uint8")(image=pixels)["image"]
        assert np.abs(found - expected).max() <= 0.501  # rounding is half a level at most


@pytest.mark.parametrize(
    ("limits", "factor", "found", "declared"),
    [
        ((-1.0, 1.0), 3.0, "from -2.9", r"\[-1, 1\].*--output-range -2.9"),
        ((0.0, 1.0), 255.0, "from 2.* to 25", r"\[0, 1\].*--output-range 0 255, or `value_range="),
        ((0.0, 255.0), 2.0, "from .* to 5", r"\[0, 255\]"),
    ],
)
def test_golden_outputs_outside_their_value_range_are_refused(
    tmp_path, limits, factor, found, declared
):
    tensor = Tensor(value_range=limits)
    louder = Signature("a_to_b", lambda image: {"image": factor * image}, (tensor,), (tensor,))
    message = f"signature 'a_to_b' gives values of 'image' {found}.*outside its value range "
    with pytest.raises(ExportError, match=message + declared):
        exporters.export({"a_to_b": louder}, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_converted_file_that_leaves_a_value_range_is_refused(small):
    bundle = exporters.open_bundle(small)
    cases = golden.read(bundle.read("golden.npz"), bundle.manifest)
    check_outputs(bundle, exporters.RECIPES["float32"], cases)
    record = bundle.manifest.signatures["a_to_b"]
    narrow = record.outputs[0].model_copy(update={"value_range": (-0.5, 1.0)})
    signatures = {"a_to_b": record.model_copy(update={"outputs": (narrow,)})}
    other = Bundle(bundle.root, bundle.manifest.model_copy(update={"signatures": signatures}))
    message = r"recipe 'float32': output 'image' of signature 'a_to_b' is from -0.9.*to .*, outside"
    with pytest.raises(ExportError, match=message):
        check_outputs(other, exporters.RECIPES["float32"], {"a_to_b": cases["a_to_b"]})


@pytest.mark.thorough
@pytest.mark.parametrize(
    "limits",
    [
        (-3.0, 5.0),
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ((0.0, 255.0), (-1.0, 1.0), (0.0, 1.0))
        ),
    ],
)
def test_pixels_are_scaled_by_the_declared_value_ranges(tmp_path, limits):
    low, high = limits
    given, result = Tensor(value_range=limits), Tensor(value_range=(0.0, 1.0))
    signature = Signature(  # the negative, from any range to [0, 1]
        "a_to_b", lambda image: {"image": (high - image) / (high - low)}, (given,), (result,)
    )
    path = exporters.export({"a_to_b": signature}, tmp_path / "bundle")
    pixels = np.arange(288, dtype=np.int64).reshape(1, 8, 12, 3).clip(0, 255).astype(np.uint8)
    runner = exporters.Runner(exporters.open_bundle(path))
    found = runner.run("a_to_b_uint8", {"image": pixels})["image"]
    np.testing.assert_array_equal(found, 255 - pixels)
    assert exporters.verify(path, isolated=False).passed


def test_the_manifest_says_what_is_inside(exported):
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["format_version"] == 2
    assert manifest["source"] == {"run": "runs/one", "step": 7}
    assert manifest["provenance"] == {"data": "made up", "license": "CC0"}
    assert manifest["signatures"]["a_to_b"] == {
        "inputs": [
            {
                "name": "image",
                "shape": [1, 16, 24, 3],
                "dtype": "float32",
                "value_range": [-1.0, 1.0],
            }
        ],
        "outputs": [
            {
                "name": "image",
                "shape": [1, 16, 24, 3],
                "dtype": "float32",
                "value_range": [-1.0, 1.0],
            }
        ],
        "inference_behavior": {"dropout": "off"},
        "pixels_of": None,
    }
    assert set(manifest["artifacts"]) == {"saved_model", *ALL_RECIPES}
    assert manifest["artifacts"]["float16"]["float_tolerance"]["psnr"] == 50.0
    optimized = {name: each["optimized"] for name, each in manifest["artifacts"].items()}
    assert optimized == {
        "saved_model": False, "float32": True, "float16": True, "dynamic_int8": True,
    }  # fmt: skip
    assert manifest["golden"]["cases"]["a_to_b"] == 5  # two seeded ones and three examples
    assert manifest["golden"]["cases"]["b_to_a"] == 2
    assert manifest["versions"]["tensorflow"] == tf.__version__


def test_the_manifest_lists_every_file_with_its_hash(exported):
    listed = json.loads((exported / "manifest.json").read_text())["files"]
    found = {
        path.relative_to(exported).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in exported.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert {path: record["sha256"] for path, record in listed.items()} == found


def test_golden_outputs_come_from_the_function_itself(exported, generators):
    with np.load(exported / "golden.npz", allow_pickle=False) as arrays:
        given = noise(3, 16, 24, 3)
        np.testing.assert_array_equal(arrays["a_to_b/inputs/image"][2:, 0], given)
        expected = generators["a_to_b"].predict(given, verbose=0)
        np.testing.assert_allclose(arrays["a_to_b/outputs/image"][2:, 0], expected, atol=1e-6)
        levels = np.round((given.astype(np.float64) + 1) * 127.5)
        np.testing.assert_array_equal(arrays["a_to_b_uint8/inputs/image"][2:, 0], levels)


@pytest.mark.thorough
def test_equal_seeds_give_equal_golden_files(tmp_path):
    one, two, other = (
        exporters.export({"a_to_b": negative()}, tmp_path / name, seed=seed)
        for name, seed in (("one", 4), ("two", 4), ("other", 5))
    )
    assert (one / "golden.npz").read_bytes() == (two / "golden.npz").read_bytes()
    assert (one / "golden.npz").read_bytes() != (other / "golden.npz").read_bytes()


@pytest.mark.thorough
def test_variables_mirrored_over_replicas_export(tmp_path):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = generator(4, filters=8)
    path = exporters.export({"a_to_b": of_model("a_to_b", model)}, tmp_path / "bundle")
    assert exporters.verify(path, isolated=False).passed


@pytest.mark.thorough
def test_signatures_of_several_inputs_and_other_types_export(tmp_path):
    def shift(image, amount, index):
        table = tf.constant([0.0, 0.5])
        shifted = image + amount * tf.gather(table, index)[:, None, None, None]
        return {"image": tf.clip_by_value(shifted, -1.0, 1.0)}

    signature = Signature(
        "shift",
        shift,
        (
            Tensor(),
            Tensor("amount", (None, 1, 1, 1), "float32", None),
            Tensor("index", (None,), "int32", (0, 1)),
        ),
    )
    path = exporters.export({"shift": signature}, tmp_path / "bundle")
    runner = exporters.Runner(exporters.open_bundle(path))
    inputs = {
        "image": np.zeros((1, 8, 12, 3), np.float32),
        "amount": np.full((1, 1, 1, 1), 0.5, np.float32),
        "index": np.ones(1, np.int32),
    }
    assert np.unique(runner.run("shift", inputs)["image"]) == 0.25
    assert exporters.verify(path, isolated=False).passed


def _fails(tmp_path, function, message, **options):
    signatures = {"a_to_b": Signature("a_to_b", function)}
    with pytest.raises(ExportError, match=message):
        exporters.export(signatures, tmp_path / "bundle", **options)
    assert list(tmp_path.iterdir()) == []  # nothing half written is left


def test_a_function_that_gives_other_outputs_than_declared_is_refused(tmp_path):
    _fails(tmp_path, lambda image: {"other": image}, "declares the outputs .*'image'.*'other'")


def test_a_function_that_gives_another_shape_is_refused(tmp_path):
    _fails(tmp_path, lambda image: {"image": image[:, :4]}, r"gives .*\(1, 4, 12, 3\)")


def test_dropout_left_on_is_refused(tmp_path):
    _fails(
        tmp_path,
        lambda image: {"image": tf.nn.dropout(image, 0.5)},
        "gives another 'image' when called twice.*turn dropout",
    )


def test_a_model_that_is_not_finite_is_refused(tmp_path):
    _fails(tmp_path, lambda image: {"image": image / 0.0}, "not finite, before any conversion")


@pytest.mark.thorough
def test_operations_that_are_not_built_in_are_refused_by_name(tmp_path):
    def spectrum(image):
        return {"image": tf.tanh(tf.math.real(tf.signal.fft2d(tf.cast(image, tf.complex64))))}

    _fails(tmp_path, spectrum, "recipe 'float32': FFT2D cannot be written with built-in")


@pytest.mark.thorough
def test_half_precision_layers_are_refused_with_a_suggestion(tmp_path):
    kernel = tf.ones((1, 1, 3, 3), tf.bfloat16) / 4

    def half(image):
        mixed = tf.nn.conv2d(tf.cast(image, tf.bfloat16), kernel, 1, "SAME")
        return {"image": tf.cast(mixed, tf.float32)}

    _fails(tmp_path, half, "layers compute in bfloat16.*dtype policy float32")


@pytest.mark.thorough
def test_shapes_that_depend_on_values_are_refused(tmp_path):
    def masked(image):
        kept = tf.boolean_mask(image, image <= 1.0)
        return {"image": tf.reshape(kept, (1, 8, 12, 3))}

    _fails(tmp_path, masked, "no static shape.*phones need every side known")


@pytest.mark.thorough
def test_a_function_that_changes_a_variable_is_refused(tmp_path):
    state = tf.Variable(1.0)

    def counting(image):
        state.assign_add(0.0)
        return {"image": image * state}

    _fails(tmp_path, counting, "the graph keeps state between calls.*random seed")


def test_a_table_is_refused(tmp_path):
    initial = tf.lookup.KeyValueTensorInitializer(tf.constant([1], tf.int64), tf.constant([0.5]))
    table = tf.lookup.StaticHashTable(initial, 0.0)
    _fails(
        tmp_path,
        lambda image: {"image": image * table.lookup(tf.constant([1], tf.int64))},
        "reads a table or another resource",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipes": ("float23",)}, "there is no recipe 'float23'; did you mean 'float32'"),
        ({"recipes": ()}, "`recipes` must be one or more names"),
        ({"recipes": "float32"}, "`recipes` must be one or more names"),
        ({"recipes": ("float32", "float32")}, "must name each recipe once"),
        ({"source": {"model": object()}}, "`source` must hold only JSON values"),
        ({"source": {"deep": json.loads("[" * 40 + "]" * 40)}}, "nested 32 deep at most"),
        ({"provenance": {"loss": float("nan")}}, "`provenance` must hold only JSON values"),
        ({"golden_images": {"b": {}}}, "names the signature 'b'; known are a_to_b"),
        ({"golden_images": {"a_to_b": {"x": noise(1, 8, 12, 3)}}}, "names the input 'x'"),
        (
            {"golden_images": {"a_to_b": {"image": noise(1, 8, 8, 3)}}},
            r"must have shape \(n, 8, 12, 3\), got \(1, 8, 8, 3\)",
        ),
        (
            {"golden_images": {"a_to_b": {"image": 2 + noise(1, 8, 12, 3)}}},
            r"must be float32 in \[-1.0, 1.0\]",
        ),
        (
            {"golden_images": {"a_to_b": {"image": np.zeros((1, 8, 12, 3), np.uint8)}}},
            "got uint8",
        ),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, message):
    _fails(tmp_path, lambda image: {"image": image}, message, **options)


def test_a_full_folder_is_never_overwritten(tmp_path):
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(ExportError, match="is not empty; a bundle never overwrites"):
        exporters.export({"a_to_b": negative()}, tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "keep me"


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "bundle").write_text("")
    with pytest.raises(ExportError, match="bundle is a file; name a folder"):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle")


def test_a_parent_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"cannot write a bundle to .*Not a directory"):
        exporters.export({"a_to_b": negative()}, tmp_path / "file" / "bundle")


@pytest.mark.thorough
def test_an_empty_folder_and_a_relative_path_are_filled(tmp_path, monkeypatch):
    (tmp_path / "bundle").mkdir()
    monkeypatch.chdir(tmp_path)
    path = exporters.export({"a_to_b": negative()}, "bundle")
    assert path == tmp_path / "bundle"
    assert os.listdir(tmp_path) == ["bundle"]
    assert (path / "manifest.json").is_file()


@pytest.mark.thorough
def test_a_bundle_may_do_without_the_saved_model(tmp_path):
    path = exporters.export({"a_to_b": negative()}, tmp_path / "bundle", keep_saved_model=False)
    assert not (path / "saved_model").exists()
    assert list(exporters.open_bundle(path).manifest.artifacts) == ["float32"]
    assert "saved_model" not in (path / "card.md").read_text("utf-8")
    verification = exporters.verify(path, isolated=False)
    assert verification.passed
    assert {check.artifact for check in verification.outputs} == {"float32"}


@pytest.mark.slow
def test_a_recipe_that_fails_at_export_names_those_that_pass(tmp_path, monkeypatch):
    def failing(bundle, recipe, cases):
        if recipe.name == "dynamic_int8":
            (bundle.root / "dynamic_int8.tflite").write_bytes(b"broken")
            raise ExportError("recipe 'dynamic_int8': output 'image' is wrong")
        check_outputs(bundle, recipe, cases)

    monkeypatch.setattr("exporters.convert.tflite.check_outputs", failing)
    sentence = r"output 'image' is wrong: float32 passes \((equal outputs|\d+\.\d dB), \d\.\d kB\)$"
    with pytest.raises(ExportError, match=sentence):
        exporters.export(
            {"a_to_b": negative()}, tmp_path / "bundle", recipes=("float32", "dynamic_int8")
        )
