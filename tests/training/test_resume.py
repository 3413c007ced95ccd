"""A run that is killed at any moment goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import settings, write_pairs

COMMAND = Path(sys.executable).parent / "tf-translate"
NOISY = {
    "pix2pix": ("model.num_downsamples=5", "data.size=[32, 32]", "model.dropout=0.5"),
    "cyclegan": ("model.residual_blocks=1", "model.pool_size=3", "training.ema_momentum=0.9"),
}


def _train(method, data, run, *more, resume=False):
    overrides = (f"data.path={data}", "training.steps=24", "training.checkpoint_every=5")
    own = settings(*overrides, *NOISY[method], *more)
    if method == "cyclegan":  # has no levels
        place = own.index("model.num_downsamples=2")
        own = own[: place - 1] + own[place + 1 :]
    options = ["--resume"] if resume else own
    return subprocess.Popen(
        [COMMAND, "train", method, "--run", run, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        text=True,
    )


def _rows(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def _wait_for_row(process, run, step):
    while process.poll() is None:
        history = run / "history.jsonl"
        if history.exists() and any(f'"step": {s},' in history.read_text() for s in (step,)):
            return
        time.sleep(0.01)
    pytest.fail(f"ended before step {step}: {process.stdout.read()}")


def _finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-2000:]


@pytest.mark.parametrize("method", sorted(NOISY))
def test_a_run_killed_and_resumed_has_the_losses_of_an_unbroken_one(method, tmp_path):
    data = write_pairs(tmp_path / "pairs", size=32)
    whole = _train(method, data, tmp_path / "whole")
    _finish(whole)
    broken = _train(method, data, tmp_path / "broken")
    _wait_for_row(broken, tmp_path / "broken", 12)  # between checkpoints 10 and 15
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    resumed = _train(method, data, tmp_path / "broken", resume=True)
    _finish(resumed)
    assert _rows(tmp_path / "broken") == _rows(tmp_path / "whole")
    assert [row["step"] for row in _rows(tmp_path / "whole")][-3:] == [20, 22, 24]


def test_a_polite_stop_saves_at_once_and_resumes(tmp_path):
    data = write_pairs(tmp_path / "pairs", size=32)
    run = tmp_path / "run"
    more = ("training.steps=4000", "training.checkpoint_every=5000", "training.lr_schedule=none")
    process = _train("pix2pix", data, run, *more)
    _wait_for_row(process, run, 4)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "everything is saved; go on with" in " ".join(output.split())
    (checkpoint,) = (run / "checkpoints").iterdir()
    stopped_at = int(checkpoint.stem.removeprefix("step-"))
    assert stopped_at >= 4
    end = stopped_at + 3
    more = ("--set", f"training.steps={end}", "--set", "training.log_every=1")
    process = subprocess.Popen(
        [COMMAND, "train", "pix2pix", "--run", run, "--resume", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _finish(process)
    assert [row["step"] for row in _rows(run)][-3:] == [end - 2, end - 1, end]
    assert json.loads((run / "config.json").read_text())["training"]["steps"] == end
