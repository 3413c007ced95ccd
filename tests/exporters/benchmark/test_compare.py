import sys

import numpy as np
import pytest

import exporters
from exporters import ExportError
from exporters.benchmark import backends
from exporters.benchmark.compare import ratios, take_turns

# Stands in for ONNX Runtime: channels first, one input, and the negative of it.
FAKE = """
import numpy
class SessionOptions: pass
class Tensor:
    name, shape = "x", [1, 3, 8, 12]
class InferenceSession:
    def __init__(self, file, options, providers):
        assert options.intra_op_num_threads == 2
    def get_inputs(self): return [Tensor]
    def get_outputs(self): return [Tensor]
    def run(self, names, fed):
        assert fed["x"].shape == (1, 3, 8, 12)
        return [-fed["x"] + numpy.float32(0.25)]
"""


@pytest.fixture
def fake_runtime(tmp_path, monkeypatch):
    (tmp_path / "onnxruntime.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    model = tmp_path / "model.onnx"
    model.touch()
    return model


@pytest.mark.slow
def test_a_bundle_and_another_runtime_take_turns(small, fake_runtime):
    (row,) = exporters.compare(small, fake_runtime, threads=2, rounds=3)
    assert (row.recipe, row.signature, row.other) == ("float32", "a_to_b", "model.onnx")
    assert (row.threads, row.rounds) == (2, 3)
    assert row.max_abs == pytest.approx(0.25)
    assert row.ratio_p10 <= row.ratio <= row.ratio_p90
    assert row.median_ms > 0


def test_ratios_are_taken_round_by_round():
    found = ratios([1.0, 4.0, 9.0], [2.0, 2.0, 3.0])  # 0.5, 2 and 3
    assert (found["ratio"], found["median_ms"], found["other_median_ms"]) == (2.0, 4.0, 2.0)


def test_turns_go_round_after_two_calls_that_do_not_count():
    calls = []

    class Runner:
        def __init__(self, name):
            self.name = name

        def run(self):
            calls.append(self.name)
            return float(len(calls))

    times = take_turns({"a": Runner("a"), "b": Runner("b")}, 2)
    assert calls == ["a", "b"] * 4
    assert times == {"a": [5.0, 7.0], "b": [6.0, 8.0]}


def test_images_are_transposed_only_if_channels_come_first():
    images = np.arange(24, dtype=np.float32).reshape(1, 2, 4, 3)
    assert backends.to_layout(images, (1, 2, 4, 3)) is images
    np.testing.assert_array_equal(
        backends.to_layout(images, (1, 3, 2, 4)), images.transpose(0, 3, 1, 2)
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.h5", r"`compare` must be a file that ends in .onnx or .pt, got 'model.h5'"),
        ("missing.onnx", "names the file .*missing.onnx, which is not there"),
    ],
)
def test_files_that_cannot_be_run_are_refused(small, tmp_path, name, message, fake_runtime):
    if name == "model.h5":
        (tmp_path / name).touch()
    with pytest.raises(ExportError, match=message):
        exporters.compare(small, tmp_path / name, rounds=1)


@pytest.mark.slow
def test_a_file_that_the_other_runtime_refuses_is_named(small, fake_runtime, tmp_path):
    (tmp_path / "onnxruntime.py").write_text(FAKE.replace("-fed", "nothing -fed"))
    with pytest.raises(ExportError, match=r"model\.onnx cannot be run: name 'nothing'"):
        exporters.compare(small, fake_runtime, rounds=1)


@pytest.mark.slow
def test_a_runtime_that_is_not_installed_is_named(small, tmp_path):
    model = tmp_path / "model.onnx"
    model.touch()
    if "onnxruntime" in sys.modules or _installed("onnxruntime"):
        pytest.skip("it is installed here")
    with pytest.raises(ExportError, match=r"onnxruntime is needed .* pip install onnxruntime"):
        exporters.compare(small, model, rounds=1)


def _installed(name):
    from importlib.util import find_spec

    return find_spec(name) is not None
