"""scripts/bench steps: its settings, its clock, its table, and a short race."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from scripts.benchmarks import steps as bench
from scripts.benchmarks import steps_jobs as jobs
from scripts.benchmarks.steps_child import Waiting
from scripts.results.tables import table
from scripts.stress.toml_file import write_toml
from tests.scripts.results.test_results import check_step_times
from tf_translate.experiment.configure import resolve
from tf_translate.methods.registry import all_methods

ROOT = Path(__file__).parents[3]


def test_every_stage_of_every_method_has_needed_passes_of_its_own_networks():
    methods = {
        name: method.translator
        for name, method in all_methods().items()
        if method.translator.__module__.startswith("tf_translate.")
    }
    assert set(jobs.METHODS) == set(methods)
    for name, translator in methods.items():
        kinds = [kind for method, kind in jobs.NEEDED if method == name]
        assert tuple(kind for kind in kinds if kind != jobs.ALONE) == translator.known_stages()
        networks = {network for player in translator.players for network in player.networks}
        for kind in kinds:
            assert set(jobs.NEEDED[name, kind]) <= networks


@pytest.mark.parametrize("method", jobs.METHODS)
def test_the_settings_are_those_of_the_small_preset_and_can_be_read(method, tmp_path):
    stages = [kind for name, kind in jobs.NEEDED if name == method and kind != jobs.ALONE]
    settings = bench.settings_of(method, "mixed_bfloat16")
    write_toml(tmp_path / "own.toml", bench.with_steps(settings, stages, 12, batch=None))
    found, preset = resolve(str(tmp_path / "own.toml"), []), resolve(f"{method}_small", [])
    assert found.training.steps == 12 * len(stages)
    assert found.training.batch_size == preset.training.batch_size
    assert found.training.precision == "mixed_bfloat16"
    assert found.data.size == preset.data.size
    kept = {key: value for key, value in preset.model.items() if key != "bn_recalibration_steps"}
    assert kept == {key: found.model[key] for key in kept}


def test_the_clock_in_the_traced_step_measures_the_wait_for_a_batch():
    def slowly():
        for value in range(3):
            time.sleep(0.05)
            yield np.float32(value)

    data = tf.data.Dataset.from_generator(slowly, output_signature=tf.TensorSpec(()))
    waiting = Waiting()
    iterator = iter(data)

    @tf.function
    def step(iterator):
        return waiting.get_next(iterator) + 1

    assert [float(step(iterator)) for _ in range(3)] == [1, 2, 3]
    assert float(waiting.seconds) >= 2 * 0.05  # the first may be prefetched before the step


def _row(**values):
    metrics = {"seconds": 0.5, "waiting": 0.012, "peak_mib": 900, "passes": {"g": 1, "c": 3}}
    before = {"before": None, "after": None, "ratio": None, "before_revision": "abc"}
    about = {"method": "dtn", "kind": "transfer", "precision": "float32", "side": 32, "batch": 8}
    return about | metrics | before | {"needed": {"g": 1, "c": 2}, "before_reason": None} | values


def test_the_table_shows_both_times_or_the_reason_why_there_is_only_one():
    sides = {"before": {"seconds": 0.9}, "after": {"seconds": 0.45}, "ratio": 0.5}
    result = {
        "command": "scripts/bench steps", "machine": "m", "revision": "r", "rounds": 4,
        "steps_per_round": 6,
        "step_times": [
            _row(**sides, before_without=["model.x"]),
            _row(method="ian", kind="train", precision="mixed_bfloat16", before_reason="no way"),
        ],
    }  # fmt: skip
    lines = table(result).splitlines()
    assert lines[4] == (
        "| dtn, transfer (32 px, batch 8) | 0.500 | 4 (3): g 1, c 3 | 900 | 1.2% | 0.900 | 0.450 "
        "| 0.50 |"
    )
    assert lines[5].startswith("| ian, mixed_bfloat16 (32 px, batch 8) | ")
    assert lines[5].endswith(" | - | - | - |")
    assert "dtn, abc, both without model.x; ian, abc: no way." in lines[-1]


@pytest.mark.slow
def test_a_short_benchmark_counts_the_passes_that_the_equations_need(tmp_path):
    command = [sys.executable, "-m", "scripts.benchmarks.steps", "--folder", tmp_path / "new"]
    short = ["--method", "pix2pix", "--rounds", "1", "--steps", "4"]
    done = subprocess.run([*command, *short], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "new" / "bench_steps.json").read_text())
    check_step_times(result)
    (row,) = result["step_times"]
    assert row["passes"] == {"generator": 1, "discriminator": 3}
    assert row["timed"] == 3  # the first of four steps of a round is dropped
    assert row["before_reason"] == "no revision was given"
