"""`tf-translate doctor`: versions, what is missing, and training steps compared with the CPU."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from tf_translate.cli import doctor
from tf_translate.experiment import check_devices
from tf_translate.experiment.check_devices import DeviceRun, compare


def _run(device, *, losses=0.0, last_weight=1.1):
    """One step that changes the first of two weights by 0.1."""
    weights = np.array([[1.0, 5.0], [last_weight, 5.0]])
    return DeviceRun(device, np.array([[0.5 + losses]]), weights, [[]], 0.01)


@pytest.fixture
def on_devices(monkeypatch):
    """Replaces what the devices of this computer compute."""

    def replace(**runs):
        names = [name.replace("_", ":") for name in runs]
        monkeypatch.setattr(check_devices, "devices", lambda: names)

        def train_on(device, *, follow=None):
            run = runs[device.replace(":", "_")]
            if isinstance(run, Exception):
                raise run
            return run

        monkeypatch.setattr(check_devices, "train_on", train_on)

    return replace


def test_differences_are_relative_to_what_a_step_changes():
    difference = compare(_run("GPU:0", losses=2e-5, last_weight=1.10001), _run("CPU:0"))
    assert difference.loss_difference == pytest.approx(2e-5)
    assert difference.weight_difference == pytest.approx(1e-5 / 0.1)
    assert difference.passed
    assert not compare(_run("GPU:0", last_weight=1.101), _run("CPU:0")).passed
    assert not compare(_run("GPU:0", losses=np.nan), _run("CPU:0")).passed


def test_a_computer_with_only_a_cpu_passes_and_says_so(command, on_devices):
    on_devices(CPU_0=_run("CPU:0"))
    code, out, _ = command("doctor")
    assert code == 0
    assert "TensorFlow finds no other device here to compare with the CPU." in out
    assert "tensorflow-datasets" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_device_that_computes_something_else_fails_with_the_fix(command, on_devices):
    on_devices(CPU_0=_run("CPU:0"), GPU_0=_run("GPU:0"), GPU_1=_run("GPU:1", losses=0.1))
    code, out, _ = command("doctor", "--json")
    report = json.loads(out)
    assert code == 1
    assert [one["passed"] for one in report["training"]] == [True, True, False]
    (problem,) = report["problems"]
    assert problem.startswith("GPU:1 computes something else than the CPU: update its driver")


def test_a_device_that_cannot_train_is_reported_in_one_sentence(command, on_devices):
    error = tf.errors.InternalError(None, None, "no kernel image\nmore")
    on_devices(CPU_0=_run("CPU:0"), GPU_0=error)
    code, out, _ = command("doctor")
    assert code == 1
    assert "problem: GPU:0 cannot train (no kernel image): update its driver" in out


def test_little_memory_and_missing_programs_are_named(command, on_devices, monkeypatch):
    on_devices(CPU_0=_run("CPU:0"))
    missing = dataclasses.replace(doctor.OPTIONAL[0], alternatives=("no-such-program",))
    monkeypatch.setattr(doctor, "OPTIONAL", (missing,))
    monkeypatch.setattr(doctor, "available_memory_gb", lambda: 0.5)
    code, out, _ = command("doctor", "--json")
    report = json.loads(out)
    assert code == 1
    assert report["optional"][0]["found"] is False
    assert "0.5 GB of memory are available" in report["problems"][0]


@pytest.mark.slow
def test_a_second_device_follows_the_cpu_step_by_step():
    reference = check_devices.train_on("CPU:0")
    run = check_devices.train_on("CPU:1", follow=reference)
    assert compare(run, reference).passed
    changes = np.linalg.norm(np.diff(reference.weights, axis=0), axis=1)
    assert len(changes) == check_devices.STEPS
    assert changes.min() > 0
