"""Workers in separate processes learn what one device learns, and stop cleanly together.

One launched run loses a worker, is resumed, stopped gracefully and resumed to its end; another one
is not interrupted. Two more workers, which find each other by Slurm's variables, train a
method, which one device trains too.
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
from tests.training.worker import gradient_descent
from tf_translate import images
from tf_translate.config.schema import Config
from tf_translate.experiment import build
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.train import train
from tf_translate.methods import registry

ROOT = Path(__file__).parents[2]
TF_TRANSLATE = (sys.executable, "-c", "from tf_translate.cli.main import run; run()")
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
PIX2PIX = (*TINY_PIX2PIX, "training.checkpoint_every=6", "training.lr_schedule=none")


class LaunchedWorkers:
    """`tf-translate launch` with two workers, and the lines it has printed so far."""

    def __init__(self, *command):
        launcher = [*TF_TRANSLATE, "launch", "--workers", "2", "--"]
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
    """The step, and all values of weights, image pools and optimizers, in order."""
    registry.find(read_config(file.parent).method)  # registers its classes
    model = keras.models.load_model(file)
    slots = [v for each in model.player_optimizers.values() for v in each.variables]
    return int(model.steps_taken.numpy()), [np.array(v) for v in [*model.weights, *slots]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    write_pairs(folder / "pairs")
    # Noise: in uniform images, instance normalization amplifies rounding errors.
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), np.uint8)
    lines = ["image,split,glasses,hair"]
    for index, pixels in enumerate(noise):
        images.write(folder / f"{index}.png", pixels)
        for side, image in (("a", pixels), ("b", noise[11 - index])):
            part = folder / "noise" / ("test" if index > 7 else "train")
            images.write(part / side / f"{index}.png", image)
        hair = ("black", "blond", "grey")[index % 3]
        lines.append(f"{index}.png,{'test' if index > 7 else 'train'},{index % 2},{hair}")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    return folder


def _launch(folder, *options, run="interrupted"):
    return LaunchedWorkers("train", "pix2pix", "--run", folder / run, *options)


def _settings(folder, steps):
    return settings(*PIX2PIX, f"data.path={folder / 'pairs'}", f"training.steps={steps}")


@pytest.mark.slow
def test_a_full_disk_stops_all_workers_with_one_sentence(disk, folder):
    options = settings(
        *PIX2PIX,
        f"data.path={folder / 'pairs'}",
        "training.steps=100000",
        "training.checkpoint_every=2",
        "training.keep_checkpoints=99",
    )
    full = _launch(disk.path, *options, run="run")
    assert full.end() == 2
    sentence = " ".join(full.text.split("[0] error: ")[1].splitlines()[0].split())
    newest = _newest(disk.path / "run")
    assert sentence.startswith("training stopped at step ")
    assert "cannot be written (No space left on device)" in sentence
    assert f"the last intact checkpoint is {newest}. Free space there" in sentence
    assert "worker 0 (" in full.text.split("[1] error: ")[1].splitlines()[0]
    assert "Traceback" not in full.text


@pytest.mark.slow
def test_a_killed_stopped_and_resumed_run_ends_with_the_weights_of_an_uninterrupted_run(folder):
    """One test, as each session goes on with the run of the one before."""
    killed = _launch(folder, *_settings(folder, 100000))
    killed.wait_for(r"step 8/")
    killed.signal(1, signal.SIGKILL)
    killed.code = killed.end()  # the launcher kills workers that do not notice
    killed.newest = _newest(folder / "interrupted")
    _assert_one_sentence_on_the_lost_worker(killed)
    stopped = _launch(folder, "--resume")
    stopped.wait_for(rf"step {_step(killed.newest) + 2}/")
    stopped.signal(1, signal.SIGTERM)
    assert stopped.end() == 130
    assert all(f"worker {index} ended with exit code 130" in stopped.text for index in (0, 1))
    newest = _newest(folder / "interrupted")
    assert _step(newest) > _step(killed.newest)
    steps = _step(newest) + 3
    ended = _launch(folder, "--resume", "--set", f"training.steps={steps}")
    assert ended.end() == 0, ended.text[-3000:]
    uninterrupted = _launch(folder, *_settings(folder, steps), run="uninterrupted")
    assert uninterrupted.end() == 0, uninterrupted.text[-3000:]
    (step, values), (other_step, other_values) = (
        _state(folder / run / "model.keras") for run in ("interrupted", "uninterrupted")
    )
    assert step == other_step == steps
    for a, b in zip(values, other_values, strict=True):
        np.testing.assert_array_equal(a, b)


def _assert_one_sentence_on_the_lost_worker(killed):
    assert killed.code == 128 + signal.SIGKILL
    assert "worker 0 ended with exit code 1" in killed.text
    sentence = " ".join(killed.text.split("[0] error: ")[1].splitlines()[0].split())
    assert re.fullmatch(
        r"training stopped: worker 1 \(127\.0\.0\.1:\d+\) exited or does not respond; the last "
        rf"intact checkpoint is {killed.newest}\. Start all workers again with --resume",
        sentence,
    )
    assert "Traceback" not in killed.text


def _slurm_environment(job, task):
    """The environment of one of two tasks on this host."""
    return {
        **QUIET,
        "SLURM_JOB_ID": str(job),
        "SLURM_PROCID": str(task),
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
    }


def _job_id_with_free_ports():
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
        data_settings = {"path": str(folder / data), "size": [16, 16], "validation_share": 0.0}
        if method == "icgan":
            data_settings["attributes"] = {
                "glasses": ["0", "1"],
                "hair": ["black", "blond", "grey"],
            }
        return {
            "method": method,
            "model": {**TINY[method], **model},
            "data": data_settings,
            "training": training,
        }

    return {
        "pix2pix": job("pix2pix", "noise", 3),
        "cyclegan": job("cyclegan", "noise", 3, pool_size=3),
        "dualgan": job("dualgan", "noise", 3),  # WGAN-GP
        "icgan": job("icgan", "faces.csv", 6),  # three stages of two steps
    }


def _train_by_two_workers(method, folder):
    """Returns the folder of the run that two workers trained; the other one's must not exist."""
    (folder / "jobs.json").write_text(json.dumps({method: _jobs(folder)[method]}))
    job_id = _job_id_with_free_ports()
    command = [sys.executable, "-m", "tests.training.worker", folder / "jobs.json"]
    workers = [
        subprocess.Popen(
            [*command, folder / f"of_{task}"],
            env=_slurm_environment(job_id, task),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for task in (0, 1)
    ]
    errors = [worker.communicate(timeout=1800)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], errors
    return folder / "of_0"


@pytest.mark.thorough
@pytest.mark.parametrize(
    "method",
    [
        "pix2pix",
        *(pytest.param(m, marks=pytest.mark.slow) for m in ("cyclegan", "dualgan", "icgan")),
    ],
)
def test_two_workers_learn_what_one_device_learns(method, folder, monkeypatch):
    two_worker_runs = _train_by_two_workers(method, folder)
    assert (two_worker_runs / method / "model.keras").is_file()
    assert not (folder / "of_1").exists(), "only the chief writes the run"
    monkeypatch.setattr(build, "make_optimizer", gradient_descent)
    config = Config(**_jobs(folder)[method])
    assert train(config, folder / method, resume=False, console=Console(stderr=True))
    folders = (folder, two_worker_runs)
    (_, single), (_, two) = (_state(runs / method / "model.keras") for runs in folders)
    assert max(float(np.abs(a - b).max()) for a, b in zip(single, two, strict=True)) < 1e-5
    rows = [
        [json.loads(line) for line in (runs / method / "history.jsonl").read_text().splitlines()]
        for runs in folders
    ]
    assert all(any(key.startswith("grad_norm/") for key in row) for row in rows[0])
    assert [list(row) for row in rows[0]] == [list(row) for row in rows[1]]
    for one, other in zip(*rows, strict=True):
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-4, atol=1e-5)
