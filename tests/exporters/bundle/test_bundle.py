import hashlib
import json
import os
import re

import numpy as np
import pytest

from exporters import BundleError, ExportError, open_bundle
from exporters.bundle import npz
from exporters.bundle.bundle import writing_folder


def _nested(depth):
    value = {}
    for _ in range(depth):
        value = {"inner": [value]}
    return value


def _refused(path, message):
    with pytest.raises(BundleError, match=message):
        open_bundle(path)


def test_opening_reads_the_manifest_and_no_model(copy):
    for file in (*copy.glob("*.tflite"), copy / "golden.npz"):
        file.unlink()
    assert list(open_bundle(copy).manifest.signatures) == ["a_to_b", "a_to_b_uint8"]


def test_a_missing_folder_is_named(tmp_path):
    _refused(tmp_path / "nowhere", "there is no bundle folder .*nowhere")


def test_a_folder_that_is_no_bundle_is_named(tmp_path):
    _refused(tmp_path, r"is not a bundle: it holds no manifest\.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        (b"\xff\xfe\x00", "is not valid JSON"),
        ("[]", "`format` is not 'image-model-bundle'"),
        ('{"format": "other"}', "`format` is not 'image-model-bundle'"),
        ('{"format": "image-model-bundle"}', "`format_version` must be 2, got None"),
        (
            '{"format": "image-model-bundle", "format_version": 3, "new": 1}',
            "written in bundle format 3 and this version reads format 2; upgrade",
        ),
    ],
)
def test_an_invalid_manifest_is_refused(tmp_path, content, message):
    raw = content.encode() if isinstance(content, str) else content
    (tmp_path / "manifest.json").write_bytes(raw)
    _refused(tmp_path, message)


def test_a_bundle_of_format_1_must_be_exported_again(copy, edit_manifest):
    def to_format_1(manifest):
        manifest["format_version"] = 1
        for record in manifest["signatures"].values():
            record["policy"] = record.pop("inference_behavior")

    edit_manifest(copy, to_format_1)
    with pytest.raises(BundleError) as refused:
        open_bundle(copy)
    assert str(refused.value) == (
        f"{copy} was written in bundle format 1 and this version reads format 2, in which keys of "
        "the manifest have other names (`sensitivity` is now `tolerance_factor`, `policy` is now "
        "`inference_behavior`, `figures` is now `metrics`, `licence` is now `license`): "
        "export the bundle again from its run"
    )


def test_a_huge_manifest_is_not_read(tmp_path):
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(17 * 2**20)  # sparse; 16 MiB is the limit
    _refused(tmp_path, "is larger than 16777216 bytes")


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "a/../../b", "a//b", "./a", "a\\b", "C:/x", "", "a\0b"]
)
def test_paths_that_leave_the_bundle_are_refused(copy, edit_manifest, path):
    def escape(manifest):
        manifest["files"][path] = manifest["files"]["golden.npz"]
        manifest["golden"]["path"] = path

    edit_manifest(copy, escape)
    _refused(copy, re.escape(f"the path {path!r} leads outside the bundle"))


def test_an_artifact_outside_the_bundle_is_refused(copy, edit_manifest):
    edit_manifest(copy, lambda manifest: manifest["artifacts"]["float32"].update(path="../x"))
    _refused(copy, r"`artifacts\.float32\.path`: the path '\.\./x' leads outside")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(surprise=1), "`surprise`: Extra inputs are not permitted"),
        (lambda m: m.update(source=_nested(400)), "nested 32 deep at most"),
        (lambda m: m.pop("signatures"), "`signatures`: Field required"),
        (lambda m: m.update(signatures={}), "at least 1 item"),
        (lambda m: m["files"].pop("golden.npz"), "`files` does not list 'golden.npz'"),
        (lambda m: m["files"].pop("float32.tflite"), "does not list 'float32.tflite'"),
        (lambda m: m["files"]["golden.npz"].update(sha256="0"), "should match pattern"),
        (lambda m: m["files"]["golden.npz"].update(size=-1), "greater than or equal to 0"),
        (lambda m: m["golden"]["cases"].update(a_to_b=10**9), "less than or equal to 64"),
        (lambda m: m["golden"]["cases"].pop("a_to_b"), "must count the cases of every signature"),
        (
            lambda m: m["signatures"]["a_to_b"]["inputs"][0].update(shape=[1, 10**6, 10**6, 3]),
            "at most 268435456 elements",
        ),
        (
            lambda m: m["signatures"]["a_to_b"]["inputs"][0].update(dtype="object"),
            "'float32', 'int32' or 'uint8'",
        ),
        (
            lambda m: m["signatures"]["a_to_b_uint8"].update(pixels_of="elsewhere"),
            "wraps an unknown 'elsewhere'",
        ),
        (
            lambda m: m["signatures"]["a_to_b"]["inputs"][0].update(labels=["r", "g"]),
            "there must be one for each scalar along the last axis",
        ),
    ],
)
def test_a_manifest_that_violates_the_schema_is_refused(copy, edit_manifest, change, message):
    edit_manifest(copy, change)
    _refused(copy, message)


def test_a_file_of_another_size_is_refused_before_it_is_read(copy):
    os.truncate(copy / "float32.tflite", 10**12)  # sparse; reading it would take the memory
    with pytest.raises(BundleError, match="has 1000000000000 bytes where the manifest says"):
        open_bundle(copy).read("float32.tflite")


def test_a_changed_file_of_the_same_size_is_refused(copy):
    content = bytearray((copy / "float32.tflite").read_bytes())
    content[-1] ^= 1
    (copy / "float32.tflite").write_bytes(content)
    with pytest.raises(BundleError, match=r"float32\.tflite was changed after export"):
        open_bundle(copy).read("float32.tflite")


def test_a_link_out_of_the_bundle_is_refused(copy, tmp_path):
    (copy / "float32.tflite").rename(tmp_path / "elsewhere")
    (copy / "float32.tflite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match=r"float32\.tflite leads outside the bundle"):
        open_bundle(copy).read("float32.tflite")


def test_a_bundle_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "bundle"
    with writing_folder(target) as folder:
        (folder / "file").write_text("content")
        assert not target.exists()
    assert (target / "file").read_text() == "content"
    with pytest.raises(RuntimeError), writing_folder(tmp_path / "other") as folder:  # noqa: PT012
        (folder / "file").write_text("half")
        raise RuntimeError
    assert sorted(os.listdir(tmp_path)) == ["deep"]


def test_a_folder_filled_while_exporting_is_not_overwritten(tmp_path):
    target = tmp_path / "bundle"
    with (  # noqa: PT012
        pytest.raises(ExportError, match="is not empty"),
        writing_folder(target),
    ):
        target.mkdir()
        (target / "precious").write_text("keep me")
    assert (target / "precious").read_text() == "keep me"


def test_the_digest_notices_any_change_of_the_manifest(copy, edit_manifest):
    bundle = open_bundle(copy)
    assert bundle.manifest.digest == bundle.manifest.expected_digest()
    edit_manifest(copy, lambda manifest: manifest["source"].update(step=8))
    changed = open_bundle(copy).manifest
    assert changed.digest != changed.expected_digest()
    assert json.loads((copy / "manifest.json").read_text())["source"] == {"step": 8}


def test_empty_fields_are_not_written_to_the_manifest(small):
    content = json.loads((small / "manifest.json").read_text())
    tensors = [t for s in content["signatures"].values() for t in s["inputs"] + s["outputs"]]
    assert {tuple(t) for t in tensors} == {("name", "shape", "dtype", "value_range")}
    digest = content.pop("digest")
    text = json.dumps(content, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_arrays_that_nobody_would_read_again_are_not_written(tmp_path):
    vast = np.broadcast_to(np.float32(0), (2**28 + 1,))  # takes no memory here
    with pytest.raises(ExportError, match="1073741828 bytes, and at most 1073741824 are read"):
        npz.write(tmp_path / "golden.npz", {"a_to_b/inputs/image": vast})
    assert list(tmp_path.iterdir()) == []
