"""Golden cases as plain files: what is in them, and that verify notices false ones."""

import json
import shutil

import numpy as np
import pytest

import exporters
from exporters.bundle.bundle import file_records, open_bundle, write_manifest
from exporters.verification import golden
from exporters.verification.golden_files import chosen_cases, golden_files
from tests.exporters.fakes import negative


def _cases(bundle):
    manifest = open_bundle(bundle).manifest
    return manifest, golden.read((bundle / "golden.npz").read_bytes(), manifest)


def test_each_file_holds_the_values_of_golden_npz(many):
    manifest, cases = _cases(many)
    index = json.loads((many / "golden" / "index.json").read_text())
    assert index["byte_order"] == "little"
    assert {each["signature"] for each in index["cases"]} == {
        "edit_uint8",
        "dim_uint8",
        "swap_uint8",
    }
    for case in index["cases"]:
        of_signature = cases[case["signature"]]
        for role, arrays in (("inputs", of_signature.inputs), ("outputs", of_signature.outputs)):
            for tensor in case[role]:
                content = (many / "golden" / tensor["file"]).read_bytes()
                dtype = np.dtype(tensor["dtype"]).newbyteorder("<")
                values = np.frombuffer(content, dtype).reshape(tensor["shape"])
                np.testing.assert_array_equal(values, arrays[tensor["name"]][case["case"]])
    listed = {path for path in manifest.files if path.startswith("golden/")}
    written = {f"golden/{path.name}" for path in (many / "golden").iterdir()}
    assert listed == written


def test_tolerances_are_those_of_the_manifest(many):
    index = json.loads((many / "golden" / "index.json").read_text())
    (output, *_) = index["cases"][0]["outputs"]
    assert output["tolerance"] == {
        "float32.tflite": {"max_abs": 1.0},
        "float16.tflite": {"psnr": 48.5},
        "dynamic_int8.tflite": {"psnr": 28.0},
    }


@pytest.mark.parametrize(
    ("available", "count", "positions"),
    [(2, 2, [0, 1]), (5, 2, [0, 2]), (5, 1, [0]), (1, 2, [0])],
)
def test_the_cases_are_a_seeded_one_and_the_first_example(available, count, positions):
    assert chosen_cases(available, count) == positions


def test_fewer_cases_or_none_are_written_where_they_are_large(small):
    manifest, cases = _cases(small)
    one_case = 2 * 8 * 12 * 3  # input and output of a_to_b_uint8
    for limit, files in ((2 * one_case, 4), (2 * one_case - 1, 2), (one_case - 1, 0)):
        found = golden_files(manifest, cases, max_bytes=limit)
        assert len(found) == files + (files > 0)  # and the index


def _with_other_file(bundle, content):
    """A bundle in which a golden file and its hash are changed."""
    manifest = open_bundle(bundle).manifest
    path = next(path for path in manifest.files if ".out." in path)
    (bundle / path).write_bytes(content)
    write_manifest(
        bundle,
        manifest.model_copy(update={"files": manifest.files | {path: file_records(bundle)[path]}}),
    )
    return path


def test_verify_notices_a_false_file_with_a_true_hash(small, tmp_path):
    copy = shutil.copytree(small, tmp_path / "copy")
    path = _with_other_file(copy, bytes(8 * 12 * 3))
    verification = exporters.verify(copy, isolated=False)
    assert all(check.passed for check in verification.files)
    assert list(verification.faults) == [
        f"{path} is not what golden.npz holds; export the bundle again"
    ]


def test_verify_accepts_a_bundle_without_them(small, tmp_path):
    copy = shutil.copytree(small, tmp_path / "copy")
    shutil.rmtree(copy / "golden")
    manifest = open_bundle(copy).manifest
    files = {path: one for path, one in manifest.files.items() if not path.startswith("golden/")}
    write_manifest(copy, manifest.model_copy(update={"files": files}))
    assert exporters.verify(copy, isolated=False).passed


def test_a_sidecar_cannot_lie_in_their_folder(tmp_path):
    with pytest.raises(exporters.ExportError, match=r"`sidecar` must name files .*golden/x"):
        exporters.export(
            {"a_to_b": negative()}, tmp_path / "bundle", sidecar={"golden/x": b"content"}
        )
