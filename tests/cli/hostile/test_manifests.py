"""Broken or forged manifests: the folder is not a bundle, a mistake (exit 2)."""

import os

import pytest

from tests.cli.hostile.forging import (
    GOLDEN,
    LITE,
    MANIFEST,
    linked,
    manifest,
    pipe,
    removed,
    replaced_by_folder,
    sparse,
    text,
)


def listed(path):
    """The manifest names a path for its golden file."""

    def change(content):
        content["files"][path] = content["files"][GOLDEN]
        content["golden"]["path"] = path

    return manifest(change)


def _first_input(**change):
    return manifest(lambda m: m["signatures"]["a_to_b"]["inputs"][0].update(change))


def _twice(where):
    def change(content):
        tensors = content["signatures"]["a_to_b"][where]
        tensors.append(dict(tensors[0]))

    return manifest(change)


def _second_artifact(content):
    content["artifacts"]["again"] = content["artifacts"]["float32"]


MISTAKES = {
    "empty folder": (removed(MANIFEST), "holds no manifest.json"),
    "manifest is a folder": (replaced_by_folder(MANIFEST), "holds no manifest.json"),
    "manifest is a link": (linked(MANIFEST, None), "manifest.json leads outside the bundle"),
    "manifest is a device": (linked(MANIFEST, "/dev/zero"), "holds no manifest.json"),
    "manifest is a pipe": (pipe(MANIFEST), "holds no manifest.json"),
    "no JSON": (text(lambda _: "{'format': "), "is not valid JSON"),
    "no text": (text(lambda _: os.urandom(2000)), "is not valid JSON"),
    "cut off": (text(lambda old: old[: len(old) // 2]), "is not valid JSON"),
    "huge": (sparse(MANIFEST, 10**11), "is larger than 16777216 bytes"),
    "nested without end": (text(lambda _: "[" * 200_000), "is not valid JSON"),
    "nested settings": (
        text(lambda old: old.replace('"source": {}', f'"source": {{"a": {"[" * 99}{"]" * 99}}}')),
        "nested 32 deep at most",
    ),
    "a number of a million digits": (
        text(lambda old: old.replace('"seed": 0', f'"seed": {"9" * 10**6}')),
        "is not valid JSON",
    ),
    "not a number": (
        text(lambda old: old.replace('"source": {}', '"source": {"a": NaN}')),
        "NaN is not a JSON number",
    ),
    "a key twice": (
        text(lambda old: old.replace('"created"', '"format": "image-model-bundle", "created"')),
        "the key 'format' is there twice",
    ),
    "no object": (text(lambda _: '["image-model-bundle"]'), "its `format` is not"),
    "another format": (manifest(lambda m: m.update(format="other")), "its `format` is not"),
    "future version": (
        manifest(lambda m: m.update(format_version=9)), "written in bundle format 9",
    ),
    "wrong version": (
        manifest(lambda m: m.update(format_version="2")), "`format_version` must be 2, got '2'",
    ),
    "unknown key": (manifest(lambda m: m.update(run="rm -rf")), "Extra inputs are not permitted"),
    "no signature": (manifest(lambda m: m.update(signatures={})), "at least 1 item"),
    "unknown recipe": (
        manifest(lambda m: m["artifacts"]["float32"].update(recipe="int3")),
        "there is no recipe 'int3'; known are float32",
    ),
    "unknown kind": (
        manifest(lambda m: m["artifacts"]["float32"].update(kind="python")), "'saved_model' or",
    ),
    "path upwards": (listed("../golden.npz"), "'../golden.npz' leads outside the bundle"),
    "absolute path": (listed("/etc/passwd"), "'/etc/passwd' leads outside the bundle"),
    "path of Windows": (listed("C:\\golden.npz"), "leads outside the bundle"),
    "artifact upwards": (
        manifest(lambda m: m["artifacts"]["float32"].update(path="a/../../x")), "leads outside",
    ),
    "artifact twice": (manifest(_second_artifact), "the path 'float32.tflite' is there twice"),
    "input twice": (_twice("inputs"), "the tensor 'image' is there twice"),
    "output twice": (_twice("outputs"), "the tensor 'image' is there twice"),
    "vast shape": (_first_input(shape=[1, 10**9, 10**9, 3]), "at most 268435456 elements"),
    "negative shape": (_first_input(shape=[1, -8, 12, 3]), "sides of at least 1"),
    "type of objects": (_first_input(dtype="object"), "'float32', 'int32' or 'uint8'"),
    "name as code": (_first_input(name="__import__('os')"), "should match pattern"),
    "cases without end": (
        manifest(lambda m: m["golden"]["cases"].update(a_to_b=10**9)), "less than or equal to 64",
    ),
    "negative size": (
        manifest(lambda m: m["files"][LITE].update(size=-1)), "greater than or equal to 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_an_invalid_manifest_is_a_mistake(bundle, refused, case):
    spoil, sentence = MISTAKES[case]
    spoil(bundle)
    refused(bundle, 2, sentence)


def test_a_file_and_a_missing_path_are_not_bundles(tmp_path, refused):
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file", 2, "is a file; a bundle is a folder")
    refused(tmp_path / "none", 2, "there is no bundle folder")
