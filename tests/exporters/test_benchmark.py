import json

import pytest

import exporters
from exporters import ExportError


def test_every_signature_of_every_recipe_is_timed(exported):
    timings = exporters.benchmark(exported, threads=2, runs=3)
    assert len(timings) == 3 * 4
    for timing in timings:
        assert 0 < timing.median_ms <= timing.p90_ms
        assert timing.first_ms > 0
        assert (timing.runs, timing.threads) == (3, 2)
        file = exported / f"{timing.recipe}.tflite"
        assert timing.size_bytes == file.stat().st_size
    assert json.loads(json.dumps(timings[0].as_dict()))["recipe"] == "float32"


def test_no_runs_are_refused(small):
    with pytest.raises(ExportError, match="`runs` must be at least 1, got 0"):
        exporters.benchmark(small, runs=0)
