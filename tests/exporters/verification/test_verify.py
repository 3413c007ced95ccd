import hashlib
import json
import shutil

import pytest
import tensorflow as tf

import exporters
from exporters import RECIPES, BundleError
from exporters.convert import tflite
from tests.exporters.conftest import ALL_RECIPES
from tests.exporters.fakes import Signature, negative


def test_every_artifact_signature_and_file_of_a_fresh_bundle_passes(exported):
    verification = exporters.verify(exported, isolated=False)
    assert verification.passed
    assert verification.failures == ()
    replayed = {(check.artifact, check.signature) for check in verification.outputs}
    names = ("a_to_b", "a_to_b_uint8", "b_to_a", "b_to_a_uint8")
    artifacts = ("saved_model", *ALL_RECIPES)
    assert replayed == {(artifact, name) for artifact in artifacts for name in names}
    listed = {check.path for check in verification.files}
    on_disk = {p.relative_to(exported).as_posix() for p in exported.rglob("*") if p.is_file()}
    assert listed == on_disk


def test_each_recipe_is_within_its_tolerance_and_quantization_is_measurable(exported):
    found = {
        (check.artifact, check.signature): check
        for check in exporters.verify(exported, isolated=False).outputs
    }
    assert found["float32", "a_to_b"].max_abs <= 1e-4
    assert found["float32", "a_to_b_uint8"].max_abs <= 1
    assert found["float16", "a_to_b"].psnr >= 50
    assert 28 <= found["dynamic_int8", "a_to_b"].psnr < found["float16", "a_to_b"].psnr


def test_a_verification_is_json(exported):
    content = json.loads(
        json.dumps(exporters.verify(exported, isolated=False).as_dict(), allow_nan=False)
    )
    assert content["passed"] is True
    first = content["outputs"][0]
    assert first["artifact"] == "saved_model"
    assert first["psnr"] is None  # equal outputs
    assert first["tolerance"] == {"max_abs": 1e-4}


def _resign(bundle, edit_manifest, path):
    content = (bundle / path).read_bytes()
    record = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    edit_manifest(bundle, lambda manifest: manifest["files"].update({path: record}))


def _flip_last_byte(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_a_tampered_model_fails_by_name_and_is_not_run(copy):
    _flip_last_byte(copy / "float32.tflite")
    verification = exporters.verify(copy, isolated=False)
    assert not verification.passed
    assert verification.failures == (
        "float32.tflite was changed after export (its sha256 is not the manifest's)",
        "float32 was not replayed because of float32.tflite",
    )
    assert {check.artifact for check in verification.outputs} == {"saved_model"}


def test_a_tampered_saved_model_fails_by_name_and_is_not_run(copy):
    _flip_last_byte(copy / "saved_model" / "saved_model.pb")
    verification = exporters.verify(copy, isolated=False)
    assert "saved_model was not replayed because of saved_model/saved_model.pb" in (
        verification.failures
    )
    assert {check.artifact for check in verification.outputs} == {"float32"}


def test_a_missing_file_fails_by_name(copy):
    (copy / "float32.tflite").unlink()
    assert "float32.tflite is missing" in exporters.verify(copy, isolated=False).failures


def test_tampered_golden_cases_leave_nothing_to_replay(copy):
    _flip_last_byte(copy / "golden.npz")
    verification = exporters.verify(copy, isolated=False)
    assert verification.failures[0].startswith("golden.npz was changed after export")
    assert "nothing was replayed" in verification.failures[1]
    assert verification.outputs == ()


def test_a_file_added_to_the_saved_model_fails_by_name(copy):
    (copy / "saved_model" / "saved_model.pbtxt").write_text("")
    verification = exporters.verify(copy, isolated=False)
    assert "saved_model/saved_model.pbtxt was added after export" in verification.failures
    assert {check.artifact for check in verification.outputs} == {"float32"}


def test_a_loosened_tolerance_in_the_manifest_fails(copy, edit_manifest):
    def loosen(manifest):
        manifest["artifacts"]["float32"]["float_tolerance"]["max_abs"] = 9.0

    edit_manifest(copy, loosen)
    assert exporters.verify(copy, isolated=False).failures == (
        "manifest.json was changed after export",
    )


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        # The golden outputs, of -image, lie in [-1, 1].
        ([0.0, 1.0], "the original's output 'image' of 'a_to_b' is from -0.9"),
        # No output leaves [-2, 2], but the uint8 variant scales by [-1, 1].
        ([-2.0, 2.0], "output 'image' of 'a_to_b_uint8' is off by"),
    ],
)
def test_a_wrong_value_range_of_an_output_fails_though_all_outputs_are_equal(
    copy, edit_manifest, limits, expected
):
    def change(manifest):
        manifest["signatures"]["a_to_b"]["outputs"][0]["value_range"] = limits

    edit_manifest(copy, change)
    verification = exporters.verify(copy, isolated=False)
    assert not verification.passed
    assert all(each.psnr > 60 for each in verification.outputs), "nothing else differs"
    assert any(expected in failure for failure in verification.failures)


def test_a_swapped_model_is_found_by_its_outputs(copy, tmp_path, edit_manifest):
    brighter = Signature("a_to_b", lambda image: {"image": 0.01 - image})
    other = exporters.export({"a_to_b": brighter}, tmp_path / "other")
    shutil.copy(other / "float32.tflite", copy / "float32.tflite")
    _resign(copy, edit_manifest, "float32.tflite")
    verification = exporters.verify(copy, isolated=False)
    (failed,) = (check for check in verification.outputs if check.fault)
    assert failed.fault == (
        "float32: output 'image' of 'a_to_b' is off by 0.01, at most 0.0001 is allowed"
    )
    assert failed.max_abs == pytest.approx(0.01, abs=1e-6)


@pytest.mark.parametrize(("off", "passes"), [(0.0009, True), (0.0011, False)])
def test_a_tolerance_factor_multiplies_the_allowed_errors(tmp_path, edit_manifest, off, passes):
    exact = Signature("a_to_b", lambda image: {"image": -image}, tolerance_factor=10.0)
    brighter = Signature("a_to_b", lambda image: {"image": off - image})
    bundle = exporters.export({"a_to_b": exact}, tmp_path / "bundle")
    other = exporters.export({"a_to_b": brighter}, tmp_path / "other")
    shutil.copy(other / "float32.tflite", bundle / "float32.tflite")
    _resign(bundle, edit_manifest, "float32.tflite")
    verification = exporters.verify(bundle, isolated=False)
    faults = [check.fault for check in verification.outputs if check.fault]
    assert (not faults) is passes
    assert {check.tolerance.max_abs for check in verification.outputs} == {1e-3, 10.0}


@pytest.fixture(scope="module")
def nan_model(tmp_path_factory):
    """A .tflite file with the signatures of the small bundle; the float one returns NaN."""
    folder = tmp_path_factory.mktemp("nan") / "saved_model"

    def traced(function, dtype):
        spec = tf.TensorSpec((1, 8, 12, 3), dtype, name="image")
        return tf.function(function).get_concrete_function(image=spec)

    signatures = {
        "a_to_b": traced(lambda image: {"image": tf.math.log(image - 2.0)}, tf.float32),
        "a_to_b_uint8": traced(lambda image: {"image": tf.identity(image)}, tf.uint8),
    }
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
    return tflite.convert(folder, RECIPES["float32"], signatures)


def test_a_model_that_answers_nan_is_a_failed_check(copy, edit_manifest, nan_model):
    (copy / "float32.tflite").write_bytes(nan_model)
    _resign(copy, edit_manifest, "float32.tflite")
    verification = exporters.verify(copy, isolated=False)
    sentence = "float32: output 'image' of 'a_to_b' holds values that are not finite"
    assert sentence in verification.failures
    assert json.loads(json.dumps(verification.as_dict(), allow_nan=False))["passed"] is False


def test_a_conversion_with_nan_outputs_is_not_exported(tmp_path, monkeypatch, nan_model):
    monkeypatch.setattr(tflite, "convert", lambda *_: nan_model)
    with pytest.raises(exporters.ExportError, match="'a_to_b' is not finite after conversion"):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_a_model_is_a_failed_check(copy, edit_manifest):
    (copy / "float32.tflite").write_bytes(b"not a model at all, but long enough to be one")
    _resign(copy, edit_manifest, "float32.tflite")
    failures = exporters.verify(copy, isolated=False).failures
    assert any("float32 cannot be replayed: float32.tflite is not a Tensor" in f for f in failures)


def test_a_model_of_other_shapes_is_a_failed_check(copy, exported, edit_manifest):
    shutil.copy(exported / "float32.tflite", copy / "float32.tflite")
    _resign(copy, edit_manifest, "float32.tflite")
    failures = exporters.verify(copy, isolated=False).failures
    assert any("signature 'a_to_b' has tensors" in failure for failure in failures)


def test_a_folder_without_a_bundle_and_another_format_version_are_errors(
    copy, tmp_path, edit_manifest
):
    with pytest.raises(BundleError, match="is not a bundle"):
        exporters.verify(tmp_path, isolated=False)
    edit_manifest(copy, lambda manifest: manifest.update(format_version=3))
    with pytest.raises(BundleError, match="bundle format 3"):
        exporters.verify(copy, isolated=False)
