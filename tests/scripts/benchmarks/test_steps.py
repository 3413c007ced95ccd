"""scripts/bench_steps: what it counts and leaves out, its clock, its table, and a short race."""

import importlib
import json
import runpy
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.scripts.results.test_results import check_step_times
from tf_translate.experiment.configure import resolve
from tf_translate.methods.registry import METHODS

ROOT = Path(__file__).parents[3]
NAMES = ("bench_steps", "bench_steps_jobs", "bench_steps_child", "bench_steps_trainer")


@pytest.fixture
def scripts(monkeypatch):
    """The modules of scripts/ by their last word, gone again afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yield {name.split("_")[-1]: importlib.import_module(name) for name in NAMES}
    for name in (*NAMES, "machine", "toml_file", "whole_number"):
        sys.modules.pop(name, None)


def test_every_stage_of_every_method_has_its_passes_and_no_network_is_misspelt(scripts):
    jobs = scripts["jobs"]
    assert set(jobs.STARTS) == set(METHODS)
    for method, described in METHODS.items():
        translator, _ = described.load()
        kinds = [kind for name, kind in jobs.NEEDED if name == method]
        assert tuple(kind for kind in kinds if kind != jobs.ALONE) == translator.known_stages()
        networks = {name for player in translator.players for name in player.networks}
        for kind in kinds:
            assert set(jobs.NEEDED[method, kind]) <= networks


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_settings_are_those_of_the_small_preset_and_can_be_read(method, scripts, tmp_path):
    bench, jobs = scripts["steps"], scripts["jobs"]
    stages = [kind for name, kind in jobs.NEEDED if name == method and kind != jobs.ALONE]
    own = bench.settings_of(method, "mixed_bfloat16")
    for keys in ((), jobs.STARTS[method].without):
        settings = bench.lasting(bench.without(own, keys), stages, 12, batch=None)
        bench.write_toml(tmp_path / "own.toml", settings)
        found, preset = resolve(str(tmp_path / "own.toml"), []), resolve(f"{method}_small", [])
        assert found.training.steps == 12 * len(stages)
        assert found.training.batch_size == preset.training.batch_size
        assert found.training.precision == "mixed_bfloat16"
        assert found.data.size == preset.data.size
        kept = {
            k: v
            for k, v in preset.model.items()
            if f"model.{k}" not in keys and k != "bn_recalibration_steps"
        }
        assert kept == {k: found.model[k] for k in kept}


def test_what_is_left_out_falls_back_to_its_default(scripts):
    settings = {"method": "m", "model": {"a": 1, "b": 2}, "loss_weights": {"c": 3}}
    left = scripts["steps"].without(settings, ["model.b", "loss_weights.c"])
    assert left == {"method": "m", "model": {"a": 1}}
    assert settings["loss_weights"] == {"c": 3}  # the caller's own are untouched


def test_the_clock_in_the_traced_step_counts_how_long_a_batch_was_waited_for(scripts):
    def slowly():
        for number in range(3):
            time.sleep(0.05)
            yield np.float32(number)

    data = tf.data.Dataset.from_generator(slowly, output_signature=tf.TensorSpec(()))
    waiting = scripts["child"].Waiting()
    iterator = iter(data)

    @tf.function
    def step(iterator):
        return waiting.get_next(iterator) + 1

    assert [float(step(iterator)) for _ in range(3)] == [1, 2, 3]
    assert float(waiting.seconds) >= 2 * 0.05  # the first may have been read ahead of the step


def _row(**told):
    metrics = {"seconds": 0.5, "waiting": 0.012, "peak_mib": 900, "passes": {"g": 1, "c": 3}}
    before = {"before": None, "after": None, "ratio": None, "before_revision": "abc"}
    about = {"method": "dtn", "kind": "transfer", "precision": "float32", "side": 32, "batch": 8}
    return about | metrics | before | {"needed": {"g": 1, "c": 2}, "before_reason": None} | told


def test_the_table_shows_both_times_and_says_why_there_is_none():
    table = runpy.run_path(str(ROOT / "scripts" / "result_tables.py"))["table"]
    sides = {"before": {"seconds": 0.9}, "after": {"seconds": 0.45}, "ratio": 0.5}
    result = {
        "command": "scripts/bench_steps", "machine": "m", "revision": "r", "rounds": 4,
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


def test_a_short_race_counts_what_the_equations_need(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "bench_steps.py", "--folder", tmp_path / "new"]
    short = ["--method", "pix2pix", "--before", "none", "--rounds", "1", "--steps", "4"]
    done = subprocess.run([*command, *short], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "new" / "bench_steps.json").read_text())
    check_step_times(result)
    (row,) = result["step_times"]
    assert row["passes"] == {"generator": 1, "discriminator": 3}
    assert row["timed"] == 3  # of four steps of a round the first is dropped
    assert row["before_reason"] == "not asked for"
