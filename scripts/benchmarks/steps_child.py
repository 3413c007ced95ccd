"""Trains with the command line of one revision and takes its steps on request.

python -P steps_child.py ROOT FILE.toml RUN [count]

ROOT is a checkout, and PYTHONPATH holds its `tf_translate`; so this file imports nothing else of
the project. Each line on stdin is a number of steps to take. Each answer is a line of JSON on
stdout; the first answer comes unrequested, before the first step. With `count`, steps run eagerly
and forward passes are counted.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

ITERATOR = type(iter(tf.data.Dataset.range(1)))


class Waiting:
    """Seconds that steps have waited for their batch, summed inside the traced step."""

    def __init__(self) -> None:
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._get_next = ITERATOR.get_next

    def get_next(self, iterator):
        """The iterator's own `get_next`, with the clock read before and after it."""
        start = tf.timestamp()
        with tf.control_dependencies([start]):
            batch = self._get_next(iterator)
        with tf.control_dependencies(tf.nest.flatten(batch)):
            added = self.seconds.assign_add(tf.timestamp() - start)
        # The step may use the batch only afterwards; else its operations could delay the clock.
        with tf.control_dependencies([added]):
            return tf.nest.map_structure(tf.identity, batch)


class Timekeeper(keras.callbacks.Callback):
    """Takes steps on request and answers with the seconds each one took."""

    def __init__(self, answers, waiting: Waiting, *, count: bool) -> None:
        super().__init__()
        self._answers, self._waiting, self._count_passes = answers, waiting, count
        self._remaining, self._rows, self._calls = 0, [], {}
        self._ready = False

    def on_train_begin(self, logs=None):
        networks = {
            name: getattr(self.model, name)
            for player in self.model.players
            for name in player.networks
        }
        if not self._ready:
            self._ready = True
            self._answer(
                parameters={
                    name: sum(math.prod(weight.shape) for weight in network.trainable_weights)
                    for name, network in networks.items()
                }
            )
            if self._count_passes:
                for name, network in networks.items():
                    self._count_calls(name, network)

    def on_train_batch_begin(self, batch, logs=None):
        while not self._remaining:
            self._remaining = int(sys.stdin.readline() or sys.exit(0))
        self._alone = _only_discriminators(self.model)
        self._calls = dict.fromkeys(self._calls, 0)
        self._waited = float(self._waiting.seconds.numpy())
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        row: dict[str, Any] = {
            "seconds": time.perf_counter() - self._start,
            "waited": float(self._waiting.seconds.numpy()) - self._waited,
            "stage": self.model.stage,
            "alone": self._alone,
        }
        if self._count_passes:
            row["passes"] = {name: count for name, count in self._calls.items() if count}
        self._rows.append(row)
        self._remaining -= 1
        if not self._remaining:
            self._answer(steps=self._rows, peak_kib=_peak_kib())
            self._rows = []

    def _count_calls(self, name: str, network: keras.Model) -> None:
        original = network.call
        self._calls[name] = 0

        def counted(*args, **kwargs):
            self._calls[name] += 1
            return original(*args, **kwargs)

        network.call = counted

    def _answer(self, **values) -> None:
        print(json.dumps(values), file=self._answers, flush=True)


def _only_discriminators(translator) -> bool:
    """Whether the next step belongs to a burst, in which only discriminators take turns."""
    for method in ("next_step_is_variant", "is_alternate_step"):  # the latter in earlier revisions
        if hasattr(translator, method):
            return getattr(translator, method)()
    # Still earlier revisions keep the burst in the player.
    bursts = [getattr(player, "burst", None) for player in translator.active_players()]
    step = int(translator.steps_taken.numpy())
    return any(burst.alone(step) for burst in bursts if burst)


def _peak_kib() -> int:
    """The peak memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main(root: Path, config: str, run: str, *, count: bool) -> None:
    """Trains by the command line with a callback in Keras's loop and a clock in its iterator."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # only answers go to stdout
    import tf_translate

    found = Path(tf_translate.__file__).resolve().parents[1]
    if found != root.resolve():
        sys.exit(f"tf_translate must be that of {root}, found {found}")
    if count:
        tf.config.run_functions_eagerly(True)
    waiting = Waiting()
    keeper = Timekeeper(answers, waiting, count=count)
    original = keras.Model.fit

    def fit(self, *args, callbacks=(), **kwargs):
        return original(self, *args, callbacks=[keeper, *callbacks], **kwargs)

    keras.Model.fit = fit
    ITERATOR.get_next = lambda iterator: waiting.get_next(iterator)
    from tf_translate.cli.main import run as command

    sys.argv = ["tf-translate", "train", config, "--run", run]
    command()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], count="count" in sys.argv[4:])
