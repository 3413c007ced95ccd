"""A killed run, once resumed, has the results of an uninterrupted one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import run_in_this_process, settings, write_pairs

COMMAND = Path(sys.executable).parent / "tf-translate"
NOISY = {
    "pix2pix": ("model.num_downsamples=5", "data.size=[32, 32]", "model.dropout=0.5"),
    "cyclegan": ("model.residual_blocks=1", "model.pool_size=3", "training.ema_momentum=0.9"),
}


def _train(method, data, run, *more, resume=False, noisy=True):
    overrides = (f"data.path={data}", "training.steps=24", "training.checkpoint_every=5")
    options = settings(*overrides, *(NOISY[method] if noisy else ()), *more)
    if method == "cyclegan":  # has no num_downsamples
        index = options.index("model.num_downsamples=2")
        options = options[: index - 1] + options[index + 1 :]
    options = ["--resume"] if resume else options
    return subprocess.Popen(
        [COMMAND, "train", method, "--run", run, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        text=True,
        # Children of a background job of a shell ignore Ctrl-C by default.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _rows(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def _wait_for_row(process, run, step):
    while process.poll() is None:
        history = run / "history.jsonl"
        if history.exists() and f'"step": {step},' in history.read_text():
            return
        time.sleep(0.01)
    pytest.fail(f"ended before step {step}: {process.stdout.read()}")


def _finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pix2pix", "cyclegan"])
def test_a_killed_and_resumed_run_has_the_losses_of_an_uninterrupted_run(method, tmp_path):
    data = write_pairs(tmp_path / "pairs", size=32)
    uninterrupted = _train(method, data, tmp_path / "uninterrupted")
    _finish(uninterrupted)
    killed = _train(method, data, tmp_path / "killed")
    _wait_for_row(killed, tmp_path / "killed", 12)  # between checkpoints 10 and 15
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    resumed = _train(method, data, tmp_path / "killed", resume=True)
    _finish(resumed)
    assert _rows(tmp_path / "killed") == _rows(tmp_path / "uninterrupted")
    assert [row["step"] for row in _rows(tmp_path / "uninterrupted")][-3:] == [20, 22, 24]


@pytest.mark.thorough
def test_ctrl_c_saves_a_checkpoint_and_the_run_resumes_from_it(tmp_path):
    data = write_pairs(tmp_path / "pairs")
    run = tmp_path / "run"
    more = ("training.steps=4000", "training.checkpoint_every=5000", "training.lr_schedule=none")
    process = _train("pix2pix", data, run, *more, noisy=False)
    _wait_for_row(process, run, 4)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "everything is saved; resume with" in " ".join(output.split())
    (checkpoint,) = (run / "checkpoints").iterdir()
    stopped_at = int(checkpoint.stem.removeprefix("step-"))
    assert stopped_at >= 4
    end = stopped_at + 3
    more = ("--set", f"training.steps={end}", "--set", "training.log_every=1")
    run_in_this_process("train", "pix2pix", "--run", run, "--resume", *more)
    assert [row["step"] for row in _rows(run)][-3:] == [end - 2, end - 1, end]
    assert json.loads((run / "config.json").read_text())["training"]["steps"] == end


@pytest.mark.slow
def test_a_second_process_cannot_train_a_run_until_the_first_has_died(tmp_path):
    data, run = write_pairs(tmp_path / "pairs", size=32), tmp_path / "run"
    more = ("training.steps=4000", "training.lr_schedule=none")
    first = _train("pix2pix", data, run, *more)
    _wait_for_row(first, run, 6)
    second = subprocess.run(
        [COMMAND, "train", "pix2pix", "--run", run, "--resume"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert first.poll() is None
    assert second.returncode == 2
    sentence = " ".join(second.stderr.split())
    assert f"{run} is being trained by process {first.pid} on " in sentence
    assert "Traceback" not in sentence
    first.send_signal(signal.SIGKILL)
    first.wait()
    steps = [row["step"] for row in _rows(run)]
    assert steps == sorted(set(steps))  # the second process has written nothing
    end = f"training.steps={10 * (steps[-1] // 10 + 1)}"
    process = subprocess.Popen(
        [COMMAND, "train", "pix2pix", "--run", run, "--resume", "--set", end],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _finish(process)
    steps = [row["step"] for row in _rows(run)]
    assert steps == sorted(set(steps))
