"""scripts/bench_input: what it counts, and a tiny measurement of each layout."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from tests.test_results import check_input

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bench(monkeypatch):
    """The script's module, gone again afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import bench_input

    yield bench_input
    for name in ("bench_input", "machine", "whole_number"):
        sys.modules.pop(name, None)


def test_pictures_of_both_domains_are_counted_and_labels_are_not(bench):
    batch = {"a": tf.zeros((4, 8, 8, 3)), "b": tf.zeros((4, 8, 8, 1)), "label_a": tf.zeros(4)}
    assert bench.pictures_in(batch) == 8
    assert bench.pictures_in({"image": tf.zeros((3, 8, 8, 3)), "attributes": tf.zeros((3, 2))}) == 3


def test_the_rate_is_the_pictures_after_the_warm_up_over_their_time(bench, monkeypatch):
    """Five batches of four a pass; three warm up; the clock ticks once."""
    drawn = []

    def training(*, batch_size, seed):
        while True:
            drawn.append(1)
            yield {"image": tf.zeros((batch_size, 8, 8, 3))}

    times = iter((10.0, 10.5))
    monkeypatch.setattr(bench, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    data = SimpleNamespace(training=training, epoch_size=20)
    assert bench.input_rate(data, 4) == 2 * 4 / 0.5
    assert len(drawn) == 5  # one pass


def test_every_layout_is_measured_and_the_table_says_the_lowest(bench, tmp_path):
    done = subprocess.run(
        [
            sys.executable, ROOT / "scripts" / "bench_input.py", "--folder", tmp_path / "bench",
            "--side", "32", "--pictures", "16", "--rounds", "2", "--steps", "1",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "bench" / "bench_input.json").read_text())
    check_input(result)
    assert result["command"].startswith("scripts/bench_input --folder")
    assert [row["layout"] for row in result["input"]] == ["pix2pix", "cyclegan", "attributes"]
    for row in result["input"]:
        assert list(row["rates"]) == ["folder", "cached", "packed", "packed at size"]
        assert (row["side"], row["load side"], row["file side"]) == (32, 36, 40)
    lowest = min(
        rate / row["training"] for row in result["input"] for rate in row["rates"].values()
    )
    assert f"the lowest is {lowest:.1f}x, goal 5x" in done.stdout


def test_a_folder_that_is_there_is_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "bench_input.py", "--folder", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "--folder must be new" in done.stderr
