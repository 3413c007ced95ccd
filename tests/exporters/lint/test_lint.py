import hashlib
import json

import flatbuffers
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import exporters
from tests.exporters.fakes import Signature, Tensor


@pytest.fixture(scope="module")
def report(exported):
    return exporters.lint(exported, isolated=False)


def findings(report, **conditions):
    return [f for f in report.findings if all(getattr(f, k) == v for k, v in conditions.items())]


def test_generators_have_no_errors_and_compute_all_products_on_xnnpack(report):
    assert report.passed
    coverage = {(s.artifact, s.signature): s for s in report.coverage if s.target == "xnnpack"}
    assert len(coverage) == 3 * 4
    assert {each.fast_fraction for each in coverage.values()} == {1.0}
    whole = coverage["float32", "a_to_b"]
    assert whole.operations == whole.fast_operations


def test_a_nearest_resize_is_one_finding_with_layer_and_suggestion(report):
    (finding,) = findings(report, operation="RESIZE_NEAREST_NEIGHBOR")
    assert finding.severity == "warning"
    assert finding.targets == ("xnnpack", "litertjs")
    assert finding.artifacts == ("float32", "float16", "dynamic_int8")
    assert finding.signatures == ("b_to_a", "b_to_a_uint8")
    assert finding.layer.endswith("/resize")
    assert "has no RESIZE_NEAREST_NEIGHBOR" in finding.message
    assert "bilinear" in finding.suggestion
    assert finding.layer in finding.sentence()


def test_casts_of_pixels_are_notes(report):
    casts = findings(report, operation="CAST")
    assert {finding.severity for finding in casts} == {"note"}
    assert {name for f in casts for name in f.signatures} == {"a_to_b_uint8", "b_to_a_uint8"}


def test_the_lint_report_is_json(report):
    content = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert content["passed"] is True
    assert {"severity", "layer", "suggestion"} <= set(content["findings"][0])
    assert content["coverage"][0]["fast_fraction"] == 1.0


def _exported(function, folder, value_range=(-1.0, 1.0)):
    tensor = Tensor("image", (None, 4, 4, 2), value_range=value_range)
    result = Tensor("image", (None, 4, 4, 2), value_range=None)
    return exporters.export({"odd": Signature("odd", function, (tensor,), (result,))}, folder)


def test_activations_that_float16_cannot_hold_are_errors(tmp_path):
    layers = [keras.layers.Rescaling(7e4, name="tall"), keras.layers.LeakyReLU(name="kept")]
    model = keras.Sequential([keras.Input((4, 4, 2)), *layers], name="net")
    bundle = _exported(lambda image: {"image": model(image, training=False)}, tmp_path / "tall")
    report = exporters.lint(bundle, isolated=False)
    assert not report.passed
    first, second = findings(report, severity="error")
    assert (first.rule, first.targets, first.layer) == ("range", ("gpu",), "net/tall")
    assert "above float16's largest number 65504" in first.message
    assert second.layer == "after net/tall"


@pytest.mark.parametrize(
    ("factor", "severity"),
    # Magnitudes in [-1, 1] come near 1: 2e4 is within a factor of 4 of 65504, 1e4 is not.
    [(2e4, "warning"), (1e4, None)],
)
def test_activations_near_the_limit_of_float16_are_warnings(tmp_path, factor, severity):
    bundle = _exported(lambda image: {"image": image * factor}, tmp_path / "bundle")
    found = findings(exporters.lint(bundle, isolated=False), rule="range")
    assert [finding.severity for finding in found] == [severity] * bool(severity)


@pytest.mark.thorough
def test_sums_that_float16_cannot_hold_are_errors_and_means_notes(tmp_path):
    # 16 values of about 0.5 x 10,000 add up to about 80,000; each alone is far below 65,504.
    def summed(reduce):
        return lambda image: {
            "image": image + reduce(image * 1e4, axis=[1, 2], keepdims=True) * 1e-4
        }

    for name, reduce, severity, message in (
        ("sum", tf.reduce_sum, "error", "SUM reaches"),
        ("mean", tf.reduce_mean, "note", "MEAN adds up to"),
    ):
        bundle = _exported(summed(reduce), tmp_path / name, value_range=(0.0, 1.0))
        found = [f for f in exporters.lint(bundle, isolated=False).findings if message in f.message]
        assert [finding.severity for finding in found] == [severity], name


def _changed(bundle, change):
    """Applies a change to the model of a bundle as if it had been exported so."""
    file = bundle / "float32.tflite"
    model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    content = bytes(builder.Output())
    file.write_bytes(content)
    manifest = json.loads((bundle / "manifest.json").read_text())
    record = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    manifest["files"]["float32.tflite"] = record
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    return exporters.lint(bundle, isolated=False)


def test_operations_that_are_not_built_in_are_refused(copy):
    def flex(model):
        (code,) = [c for c in model.operatorCodes if c.builtinCode == schema.BuiltinOperator.NEG]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = b"FlexNeg"

    with pytest.raises(exporters.ModelError, match="needs 'FlexNeg', which is not built in"):
        _changed(copy, flex)


def test_shapes_that_are_not_known_are_errors(copy):
    def unknown(model):
        for tensor in model.subgraphs[0].tensors:
            if len(tensor.shape) == 4:
                tensor.shapeSignature = np.array([-1, *tensor.shape[1:]], np.int32)

    found = findings(_changed(copy, unknown), rule="shape")
    assert found
    assert {finding.severity for finding in found} == {"error"}


def test_linting_a_broken_model_raises_a_bundle_error(copy):
    content = b"no model at all"
    (copy / "float32.tflite").write_bytes(content)
    manifest = json.loads((copy / "manifest.json").read_text())
    record = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    manifest["files"]["float32.tflite"] = record
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(exporters.BundleError, match=r"float32\.tflite is not a Tensor"):
        exporters.lint(copy, isolated=False)


def test_input_types_that_a_browser_does_not_take_are_errors(copy):
    def shorter(model):
        for index in model.subgraphs[1].inputs:
            model.subgraphs[1].tensors[index].type = schema.TensorType.INT8

    (finding,) = findings(_changed(copy, shorter), rule="interface")
    assert finding.targets == ("litertjs",)
    assert "is int8, but the runtime takes float32, int32, uint8" in finding.message


def test_a_report_from_a_child_process_is_the_same(exported, report):
    assert exporters.lint(exported) == report
