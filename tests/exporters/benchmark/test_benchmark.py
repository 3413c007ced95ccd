import json

import pytest
from keras import ops

import exporters
from exporters import ExportError
from exporters.tflite_graph.macs import total_multiply_adds
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.fakes import Signature, Tensor, noise


@pytest.mark.thorough
def test_every_signature_is_timed_with_every_number_of_threads(small):
    timings = exporters.benchmark(small, threads=(1, 2), runs=3)
    found = {(timing.signature, timing.threads) for timing in timings}
    assert found == {(name, threads) for name in ("a_to_b", "a_to_b_uint8") for threads in (1, 2)}
    for timing in timings:
        assert 0 < timing.median_ms <= timing.p90_ms
        assert timing.first_ms > 0
        assert timing.load_ms > 0
        assert timing.runs == 3
        assert timing.size_bytes == (small / "float32.tflite").stat().st_size
        assert timing.litert_benchmark is None
    assert json.loads(json.dumps(timings[0].as_dict()))["recipe"] == "float32"


@pytest.mark.slow
def test_memory_is_the_childs_own_and_work_is_counted(exported):
    (first, *_) = timings = exporters.benchmark(exported, threads=(1,), runs=1)
    assert len(timings) == 3 * 4
    for timing in timings:
        # This process holds TensorFlow, some 500 MB; a child holds Python and LiteRT.
        assert 20 < timing.peak_mb < 300
        assert 0 <= timing.model_mb < timing.peak_mb
    graph = read_signatures((exported / "float32.tflite").read_bytes())["a_to_b"]
    assert first.multiply_adds == total_multiply_adds(graph)
    assert 40_000 < first.parameters < 80_000


def _convolution(value_range):
    """Nine million multiply-adds: no processor does them in the 5 µs that would be rounded to 0."""
    kernel = noise(3, 3, 32, 32)
    tensor = Tensor(shape=(None, 32, 32, 32), value_range=value_range)

    def function(image):
        return {"image": ops.tanh(ops.conv(image, kernel, padding="same"))}

    return Signature("a_to_b", function, (tensor,), (tensor,))


@pytest.mark.slow
def test_litert_benchmark_tells_of_delegation(tmp_path):
    # Tensors without a range have no uint8 variant; no delegate supports its CAST.
    for value_range, accelerated in ((None, True), ((-1.0, 1.0), False)):
        bundle = tmp_path / f"accelerated_{accelerated}"
        exporters.export({"a_to_b": _convolution(value_range)}, bundle)
        options = {"threads": (1,), "runs": 1, "run_litert_benchmark": True}
        timing = exporters.benchmark(bundle, **options)[0]
        assert timing.multiply_adds == 32 * 32 * 9 * 32 * 32
        result = timing.litert_benchmark
        assert result["fully_accelerated"] is accelerated
        assert result["init_ms"] > 0
        # It tells hundredths of milliseconds: the two-line fake takes 5 µs, now 0.01 and now 0.0.
        assert result["median_ms"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 0}, "`runs` must be at least 1, got 0"),
        ({"threads": (1, 0)}, "`threads` must be at least 1, got 0"),
        ({"threads": ()}, "`threads` must hold at least one number, got none"),
    ],
)
def test_impossible_counts_are_refused(small, options, message):
    with pytest.raises(ExportError, match=message):
        exporters.benchmark(small, **options)
