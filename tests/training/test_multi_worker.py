"""Workers in processes of their own learn what one device learns, and survive each other.

A launched run loses a worker, goes on, is stopped politely and goes on to its end; another one is
not broken. Two more workers, who find each other by Slurm's variables, train three methods, which
one device trains too.
"""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.cli.conftest import TINY as TINY_PIX2PIX
from tests.cli.conftest import settings, write_pairs
from tests.methods.test_conformance import TINY
from tests.training.worker import descent
from tf_translate import images
from tf_translate.config.schema import Config
from tf_translate.experiment import build
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.train import train
from tf_translate.methods import registry

ROOT = Path(__file__).parents[2]
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
PIX2PIX = (*TINY_PIX2PIX, "training.checkpoint_every=6", "training.lr_schedule=none")


class Launched:
    """`scripts/launch_local` with two workers, and what it has written so far."""

    def __init__(self, *command):
        launcher = [sys.executable, ROOT / "scripts" / "launch_local.py", "--workers", "2", "--"]
        self.process = subprocess.Popen(
            [*map(str, [*launcher, *command])],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=QUIET,
            text=True,
        )
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.reader.start()

    @property
    def text(self):
        return "".join(self.lines)

    def wait_for(self, pattern):
        while self.process.poll() is None:
            found = re.search(pattern, self.text)
            if found:
                return found
            time.sleep(0.02)
        self.reader.join()
        found = re.search(pattern, self.text)
        assert found, self.text[-3000:]
        return found

    def signal(self, worker, number):
        os.kill(int(re.search(rf"worker {worker}: process (\d+)", self.text)[1]), number)

    def end(self):
        code = self.process.wait(timeout=1800)
        self.reader.join()
        return code


def _newest(run):
    return max(run.glob("checkpoints/step-*.keras"))


def _step(checkpoint):
    return int(checkpoint.stem.removeprefix("step-"))


def _state(file):
    """The step, and weights, pools and what optimizers remember, in order."""
    registry.find(read_config(file.parent).method).load()  # registers its classes
    model = keras.models.load_model(file)
    slots = [v for each in model.player_optimizers.values() for v in each.variables]
    return int(model.steps_taken.numpy()), [np.array(v) for v in [*model.weights, *slots]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    write_pairs(folder / "pairs")
    # Noise: instance norm blows rounding up where a image is flat.
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), np.uint8)
    lines = ["image,split,glasses,hair"]
    for number, pixels in enumerate(noise):
        images.write(folder / f"{number}.png", pixels)
        for side, image in (("a", pixels), ("b", noise[11 - number])):
            part = folder / "noise" / ("test" if number > 7 else "train")
            images.write(part / side / f"{number}.png", image)
        hair = ("black", "blond", "grey")[number % 3]
        lines.append(f"{number}.png,{'test' if number > 7 else 'train'},{number % 2},{hair}")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    return folder


def _started(folder, *options, run="broken"):
    return Launched("train", "pix2pix", "--run", folder / run, *options)


def _settings(folder, steps):
    return settings(*PIX2PIX, f"data.path={folder / 'pairs'}", f"training.steps={steps}")


def test_a_disk_that_fills_stops_all_with_one_sentence(disk, folder):
    options = settings(
        *PIX2PIX,
        f"data.path={folder / 'pairs'}",
        "training.steps=100000",
        "training.checkpoint_every=2",
        "training.keep_checkpoints=99",
    )
    full = _started(disk.path, *options, run="run")
    assert full.end() == 2
    sentence = " ".join(full.text.split("[0] error: ")[1].splitlines()[0].split())
    newest = _newest(disk.path / "run")
    assert sentence.startswith("training stopped at step ")
    assert "cannot be written (No space left on device)" in sentence
    assert f"the last good checkpoint is {newest}. Free space there" in sentence
    assert "worker 0 (" in full.text.split("[1] error: ")[1].splitlines()[0]
    assert "Traceback" not in full.text


@pytest.fixture(scope="module")
def broken(folder):
    """A run that lost a worker, was resumed and stopped, and resumed again: what each one said."""
    killed = _started(folder, *_settings(folder, 100000))
    killed.wait_for(r"step 8/")
    killed.signal(1, signal.SIGKILL)
    killed.code = killed.end()  # the launcher would kill what has not noticed
    killed.newest = _newest(folder / "broken")
    stopped = _started(folder, "--resume")
    stopped.wait_for(rf"step {_step(killed.newest) + 2}/")
    stopped.signal(1, signal.SIGTERM)
    stopped.code = stopped.end()
    stopped.newest = _newest(folder / "broken")
    steps = _step(stopped.newest) + 3
    ended = _started(folder, "--resume", "--set", f"training.steps={steps}")
    ended.code = ended.end()
    ended.steps = steps
    return killed, stopped, ended


def test_a_killed_worker_stops_all_with_one_sentence(broken):
    killed, _, _ = broken
    assert killed.code == 128 + signal.SIGKILL
    assert "worker 0 ended with exit code 1" in killed.text
    sentence = " ".join(killed.text.split("[0] error: ")[1].splitlines()[0].split())
    assert re.fullmatch(
        r"training stopped: worker 1 \(127\.0\.0\.1:\d+\) is gone or no longer answers; the last "
        rf"good checkpoint is {killed.newest}\. Start all workers again with --resume",
        sentence,
    )
    assert "Traceback" not in killed.text


def test_an_interrupted_worker_stops_all_at_one_step(broken):
    killed, stopped, _ = broken
    assert stopped.code == 130
    assert all(f"worker {number} ended with exit code 130" in stopped.text for number in (0, 1))
    assert _step(stopped.newest) > _step(killed.newest)


def test_a_run_that_lost_a_worker_ends_as_an_unbroken_one_bit_for_bit(broken, folder):
    *_, ended = broken
    assert ended.code == 0, ended.text[-3000:]
    whole = _started(folder, *_settings(folder, ended.steps), run="whole")
    assert whole.end() == 0, whole.text[-3000:]
    (step, once), (whole_step, other) = (
        _state(folder / r / "model.keras") for r in ("broken", "whole")
    )
    assert step == whole_step == ended.steps
    for a, b in zip(once, other, strict=True):
        np.testing.assert_array_equal(a, b)


def _as_slurm(job, task):
    """The environment of a task of two on this host."""
    return {
        **QUIET,
        "SLURM_JOB_ID": str(job),
        "SLURM_PROCID": str(task),
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
    }


def _job_of_free_ports():
    while True:
        job = random.randrange(1300)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("localhost", 10000 + 16 * job))
                second.bind(("localhost", 10001 + 16 * job))
            except OSError:
                continue
            return job


def _jobs(folder):
    def job(method, data, steps, **model):
        training = {"steps": steps, "batch_size": 4, "log_every": 2, "ema_momentum": 0.5}
        own = {"path": str(folder / data), "size": [16, 16], "validation_share": 0.0}
        if method == "icgan":
            own["attributes"] = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}
        return {
            "method": method,
            "model": {**TINY[method], **model},
            "data": own,
            "training": training,
        }

    return {
        "cyclegan": job("cyclegan", "noise", 3, pool_size=3),
        "dualgan": job("dualgan", "noise", 3),  # WGAN-GP
        "icgan": job("icgan", "faces.csv", 6),  # three stages of two steps
    }


@pytest.fixture(scope="module")
def together(folder):
    """Runs of two workers, by the name of the method."""
    (folder / "jobs.json").write_text(json.dumps(_jobs(folder)))
    slurm_job = _job_of_free_ports()
    command = [sys.executable, "-m", "tests.training.worker", folder / "jobs.json"]
    workers = [
        subprocess.Popen(
            [*command, folder / f"of_{task}"],
            env=_as_slurm(slurm_job, task),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for task in (0, 1)
    ]
    said = [worker.communicate(timeout=1800)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    return folder / "of_0"


def test_only_the_chief_writes(together, folder):
    assert (together / "cyclegan" / "model.keras").is_file()
    assert not (folder / "of_1").exists()


@pytest.mark.parametrize("method", ["cyclegan", "dualgan", "icgan"])
def test_two_workers_learn_what_one_device_learns(method, together, folder, monkeypatch):
    monkeypatch.setattr(build, "make_optimizer", descent)
    config = Config(**_jobs(folder)[method])
    assert train(config, folder / method, resume=False, console=Console(stderr=True))
    (_, alone), (_, two) = (_state(run / method / "model.keras") for run in (folder, together))
    assert max(float(np.abs(a - b).max()) for a, b in zip(alone, two, strict=True)) < 1e-5
    rows = [
        [json.loads(line) for line in (run / method / "history.jsonl").read_text().splitlines()]
        for run in (folder, together)
    ]
    assert all(any(key.startswith("gradients/") for key in row) for row in rows[0])
    assert [list(row) for row in rows[0]] == [list(row) for row in rows[1]]
    for one, other in zip(*rows, strict=True):
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-4, atol=1e-5)
