import subprocess
import sys

import numpy as np
import pytest

import exporters
from exporters import BundleError, ExportError
from tests.exporters.fakes import negative, noise


def _runner(path, **options):
    return exporters.Runner(exporters.open_bundle(path), **options)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_signature_runs_by_name(small, threads):
    runner = _runner(small, threads=threads)
    images = noise(1, 8, 12, 3)
    np.testing.assert_array_equal(runner.run("a_to_b", {"image": images})["image"], -images)
    pixels = np.arange(288, dtype=np.int64).reshape(1, 8, 12, 3).astype(np.uint8)
    inverted = runner.run("a_to_b_uint8", {"image": pixels})["image"]
    np.testing.assert_array_equal(inverted, 255 - pixels)


def test_outputs_outlive_the_next_call(small):
    runner = _runner(small)
    first = runner.run("a_to_b", {"image": np.ones((1, 8, 12, 3), np.float32)})["image"]
    runner.run("a_to_b", {"image": np.zeros((1, 8, 12, 3), np.float32)})
    assert (first == -1).all()


def test_running_reads_only_the_manifest_and_the_model_and_loads_no_tensorflow(copy):
    for path in (copy / "golden.npz", copy / "saved_model" / "saved_model.pb"):
        path.unlink()
    program = (
        "import sys, numpy, exporters\n"
        f"runner = exporters.Runner(exporters.open_bundle({str(copy)!r}))\n"
        "pixels = numpy.zeros((5, 5, 3), numpy.uint8)\n"
        "assert (exporters.translate_image(runner, pixels) == 255).all()\n"
        "print([name for name in ('tensorflow', 'keras', 'tf_translate') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "int8"}, "holds no model of recipe 'int8'; it holds float32"),
        ({"threads": 0}, "`threads` must be at least 1, got 0"),
    ],
)
def test_impossible_runners_are_refused(small, options, message):
    with pytest.raises(ExportError, match=message):
        _runner(small, **options)


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("b_to_a", {}, "there is no signature 'b_to_a'; known are a_to_b, a_to_b_uint8"),
        ("a_to_b", {"photo": noise(1, 8, 12, 3)}, r"takes \['image'\], got \['photo'\]"),
        (
            "a_to_b",
            {"image": noise(1, 12, 8, 3)},
            r"must be float32 \(1, 8, 12, 3\), got float32 \(1, 12, 8, 3\)",
        ),
        ("a_to_b_uint8", {"image": noise(1, 8, 12, 3)}, "must be uint8 .* got float32"),
    ],
)
def test_inputs_of_wrong_names_shapes_or_types_are_refused(small, name, inputs, message):
    with pytest.raises(ExportError, match=message):
        _runner(small).run(name, inputs)


def test_a_tampered_model_is_not_loaded(copy):
    content = bytearray((copy / "float32.tflite").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (copy / "float32.tflite").write_bytes(content)
    with pytest.raises(BundleError, match=r"float32\.tflite was changed after export.*again"):
        _runner(copy)


@pytest.mark.thorough
def test_a_bundle_without_float32_runs_the_first_it_has(tmp_path):
    recipes = ["float16", "dynamic_int8"]
    path = exporters.export({"a_to_b": negative()}, tmp_path / "bundle", recipes=recipes)
    assert exporters.Runner(exporters.open_bundle(path)).recipe == "float16"
