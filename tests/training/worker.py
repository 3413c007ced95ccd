"""A worker of test_multi_worker: trains several jobs in sequence, each in its own run.

Call: `python -m tests.training.worker JOBS.json FOLDER`. Slurm's variables give its index.
"""

import json
import sys
from pathlib import Path

import keras
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.experiment import build
from tf_translate.experiment.train import train_with_strategy
from tf_translate.training.workers import find_cluster, join_cluster


def gradient_descent(settings, *, learning_rate=None, ema_momentum=0.0):
    """Plain SGD instead of Adam, which amplifies rounding errors of gradients near 0."""
    averages = {"use_ema": True, "ema_momentum": ema_momentum} if ema_momentum else {}
    return keras.optimizers.SGD(0.001, **averages)


def main(jobs, folder):
    strategy = join_cluster(find_cluster(), "one")
    build.make_optimizer = gradient_descent
    for name, job in jobs.items():
        options = {"resume": False, "console": Console(stderr=True)}
        train_with_strategy(strategy, Config(**job), folder / name, **options)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
