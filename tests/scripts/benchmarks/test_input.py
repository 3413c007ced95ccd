"""scripts/bench input: what it counts, and a tiny measurement of each layout."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from scripts.benchmarks import input as bench
from scripts.results.tables import table
from tests.scripts.results.test_results import check_input

ROOT = Path(__file__).parents[3]


def test_images_of_both_domains_are_counted_but_labels_are_not():
    batch = {"a": tf.zeros((4, 8, 8, 3)), "b": tf.zeros((4, 8, 8, 1)), "label_a": tf.zeros(4)}
    assert bench.images_in(batch) == 8
    assert bench.images_in({"image": tf.zeros((3, 8, 8, 3)), "attributes": tf.zeros((3, 2))}) == 3


def test_the_rate_is_the_number_of_images_after_the_warm_up_divided_by_their_time(monkeypatch):
    """An epoch is five batches of four; three are the warm-up; the clock ticks once."""
    batches = []

    def training(*, batch_size, seed):
        while True:
            batches.append(1)
            yield {"image": tf.zeros((batch_size, 8, 8, 3))}

    times = iter((10.0, 10.5))
    monkeypatch.setattr(bench, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    data = SimpleNamespace(training=training, epoch_size=20)
    assert bench.input_rate(data, 4) == 2 * 4 / 0.5
    assert len(batches) == 5  # one epoch


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["cyclegan", "attributes"])
def test_every_layout_is_read_from_every_source(tmp_path, monkeypatch, layout):
    monkeypatch.setattr(bench, "training_rate", lambda config, steps: 2.0)
    options = SimpleNamespace(folder=tmp_path, images=16, rounds=2, steps=1)
    row = bench.measure(layout, 32, options)
    assert list(row["rates"]) == ["folder", "cached", "packed", "packed at size"]
    assert {len(rates) for rates in row["rates of rounds"].values()} == {2}
    lowest = min(row["rates"].values())
    assert f"the lowest is {lowest / 2:.1f}x, goal 5x" in bench.table([row])[-1]


@pytest.mark.slow
def test_the_written_result_can_be_published(tmp_path):
    done = subprocess.run(
        [
            sys.executable, "-m", "scripts.benchmarks.input", "--folder", tmp_path / "bench",
            "--layout", "pix2pix", "--side", "32", "--images", "16", "--rounds", "2",
            "--steps", "1",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "bench" / "bench_input.json").read_text())
    check_input(result)
    (row,) = result["input"]
    assert (row["side"], row["load side"], row["file side"]) == (32, 36, 40)
    assert result["command"].startswith("scripts/bench input --folder")
    lines = table(result).splitlines()
    assert f"| pix2pix | 32 | {row['training']:.1f}, pix2pix_small | " in lines[4]
    assert f"({row['rates']['packed'] / row['training']:.1f}×)" in lines[4]


def test_an_existing_folder_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="--folder must be new"):
        bench.main(SimpleNamespace(folder=tmp_path))
