"""Trains a run by the command line of one revision and takes its steps one order at a time.

python bench_steps_child.py ROOT FILE.toml RUN [count]: ROOT is a checkout, whose `tf_translate` is
on PYTHONPATH. Answers are lines of JSON on stdout, the first one unasked ahead of the first step;
an order is the number of steps to take. With `count` steps run eagerly and passes are counted.
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
    """Seconds that steps have waited for their batch, added up within the traced step."""

    def __init__(self) -> None:
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._plain = ITERATOR.get_next

    def get_next(self, iterator):
        """As the iterator's own, with a look at the clock ahead of it and behind."""
        began = tf.timestamp()
        with tf.control_dependencies([began]):
            batch = self._plain(iterator)
        with tf.control_dependencies(tf.nest.flatten(batch)):
            told = self.seconds.assign_add(tf.timestamp() - began)
        # Nothing is made of the batch before, or it would keep the clock waiting for a thread.
        with tf.control_dependencies([told]):
            return tf.nest.map_structure(tf.identity, batch)


class Timekeeper(keras.callbacks.Callback):
    """Takes steps when it is told to, and says how long they took."""

    def __init__(self, answers, waiting: Waiting, *, counts: bool) -> None:
        super().__init__()
        self._answers, self._waiting, self._counts = answers, waiting, counts
        self._left, self._rows, self._calls = 0, [], {}
        self._ready = False

    def on_train_begin(self, logs=None):
        networks = {
            name: getattr(self.model, name)
            for player in self.model.players
            for name in player.networks
        }
        if not self._ready:
            self._ready = True
            learnt = {name: network.trainable_weights for name, network in networks.items()}
            self._answer(
                parameters={
                    name: sum(math.prod(weight.shape) for weight in weights)
                    for name, weights in learnt.items()
                }
            )
            if self._counts:
                for name, network in networks.items():
                    self._count(name, network)

    def on_train_batch_begin(self, batch, logs=None):
        while not self._left:
            self._left = int(sys.stdin.readline() or sys.exit(0))
        # Asked of the players, as revisions differ in how a translator itself is asked.
        bursts = [getattr(player, "burst", None) for player in self.model.active_players()]
        step = int(self.model.steps_taken.numpy())
        self._alone = any(burst.alone(step) for burst in bursts if burst)
        self._calls = dict.fromkeys(self._calls, 0)
        self._waited = float(self._waiting.seconds.numpy())
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        row: dict[str, Any] = {
            "seconds": time.perf_counter() - self._began,
            "waited": float(self._waiting.seconds.numpy()) - self._waited,
            "stage": self.model.stage,
            "alone": self._alone,
        }
        if self._counts:
            row["passes"] = {name: count for name, count in self._calls.items() if count}
        self._rows.append(row)
        self._left -= 1
        if not self._left:
            self._answer(steps=self._rows, peak_kib=_peak_kib())
            self._rows = []

    def _count(self, name: str, network: keras.Model) -> None:
        plain = network.call
        self._calls[name] = 0

        def counted(*given, **told):
            self._calls[name] += 1
            return plain(*given, **told)

        network.call = counted

    def _answer(self, **told) -> None:
        print(json.dumps(told), file=self._answers, flush=True)


def _peak_kib() -> int:
    """The most memory that this process has held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main(root: Path, source: str, run: str, *, counts: bool) -> None:
    """Has the command line train, with clocks put into Keras's loop."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # answers alone go to stdout
    import tf_translate

    found = Path(tf_translate.__file__).resolve().parents[1]
    if found != root.resolve():
        sys.exit(f"tf_translate must be that of {root}, found {found}")
    if counts:
        tf.config.run_functions_eagerly(True)
    waiting = Waiting()
    keeper = Timekeeper(answers, waiting, counts=counts)
    plain = keras.Model.fit

    def fit(self, *given, callbacks=(), **told):
        return plain(self, *given, callbacks=[keeper, *callbacks], **told)

    keras.Model.fit = fit
    ITERATOR.get_next = lambda iterator: waiting.get_next(iterator)
    from tf_translate.cli.main import run as command

    sys.argv = ["tf-translate", "train", source, "--run", run]
    command()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], counts="count" in sys.argv[4:])
