"""A worker of test_many_workers: trains jobs in turn, each into a run of its own.

Called as `python -m tests.training.worker JOBS.json FOLDER`; Slurm's variables say who it is.
"""

import json
import sys
from pathlib import Path

import keras
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.experiment import build
from tf_translate.experiment.train import train_by
from tf_translate.training.workers import find_cluster, join


def descent(own, *, learning_rate=None, average=0.0):
    """Plain gradient descent in place of Adam, which blows rounding up where a gradient is 0."""
    averages = {"use_ema": True, "ema_momentum": average} if average else {}
    return keras.optimizers.SGD(0.001, **averages)


def main(jobs, folder):
    strategy = join(find_cluster(), "one")
    build.make_optimizer = descent
    for name, job in jobs.items():
        told = {"resume": False, "console": Console(stderr=True)}
        train_by(strategy, Config(**job), folder / name, **told)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
