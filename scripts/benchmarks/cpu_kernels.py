"""Times training steps with all CPU kernels, without each one of them and without any, in turns.

scripts/bench cpu_kernels [--method NAME]... [--kernel NAME]... [--rounds 10] [--folder NEW]

Each stage of each method trains with its small preset on one batch of the shipped samples;
`cyclegan_128` is CycleGAN with its paper's networks at 128 pixels. A model is traced once for each
setting of TF_TRANSLATE_CPU_KERNELS, in one process. Every round takes some steps with each setting,
and ratios are those of one round. Writes cpu_kernels.json. Takes about twenty minutes on two idle
cores.
"""

import argparse
import datetime
import json
import math
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from scripts.benchmarks import steps_jobs
from scripts.benchmarks.machine import ROOT, machine, versions
from scripts.stress.whole_number import whole_number
from tf_translate.layers.cpu import KERNELS, VARIABLE, instruction_set

SEED = 0
ROUND_SECONDS = 0.25  # least time of one setting in one round
MOST_STEPS = 5  # of one setting in one round
RESAMPLES = 10_000  # of the bootstrap
CYCLEGAN_128 = "cyclegan_128"
METHODS = (*steps_jobs.METHODS, CYCLEGAN_128)
_PAPER_NETWORKS_AT_128 = (
    "model.base_filters=64",
    "model.discriminator_filters=64",
    "model.discriminator_layers=3",
    "model.residual_blocks=9",
    "model.upsampling=transposed",
    "model.input_skip=false",
    "data.size=[128,128]",
    "training.batch_size=1",
)


class Model(Protocol):
    """A translator in one stage of its training.

    Attributes:
        about: What a row says of it, such as its method and stage.
    """

    about: Mapping[str, Any]

    def trace(self, setting: str, steps: int) -> set[str]:
        """Traces the step with a setting and takes steps with it; the kernels that are used."""

    def seconds(self, setting: str, steps: int) -> float:
        """Takes steps with a setting that is traced already; seconds of one step."""


def main(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Measures one stage after the other and writes the result after each."""
    if options.folder.exists():
        print(f"error: --folder must be new, {options.folder} exists", file=sys.stderr)
        return 2
    options.folder.mkdir(parents=True)
    result: dict[str, Any] = {
        "command": shlex.join(["scripts/bench", "cpu_kernels", *words]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": SEED,
        "machine": machine(),
        "instruction_set": instruction_set(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        "revision": _revision(),
        "rounds": options.rounds,
        "kernel_times": [],
    }
    file = options.folder / "cpu_kernels.json"
    for method in options.method or METHODS:
        for model in models(method):
            row = measure(model, options.kernel or list(KERNELS), options.rounds)
            result["kernel_times"].append(row)
            file.write_text(json.dumps(result, indent=1) + "\n")
            print(summary(row), file=sys.stderr, flush=True)
    print(file)
    return 0


def measure(model: Model, kernels: Iterable[str], rounds: int) -> dict[str, Any]:
    """Times a model with all kernels, without each of those that it uses, and without any.

    Args:
        model: What trains.
        kernels: Names of the kernels to leave out in turns.
        rounds: How often each setting is timed.

    Returns:
        A row: `about`, the kernels in use, and by kernel (and for "all") how long a step takes
        with it, compared with a step without it.
    """
    used = model.trace("on", MOST_STEPS)
    steps = steps_per_round(model.seconds("on", 1))
    settings = {kernel: without(kernel) for kernel in kernels if kernel in used}
    settings["all"] = "off"
    for setting in settings.values():
        model.trace(setting, steps)
    times = take_turns(model, ["on", *settings.values()], steps, rounds)
    return {
        **model.about,
        "kernels": sorted(used),
        "steps_per_round": steps,
        "ms": _milliseconds(times["on"]),
        "ratios": {
            name: {
                "ms_without": _milliseconds(times[setting]),
                **ratio_interval(times["on"], times[setting]),
            }
            for name, setting in settings.items()
        },
        "rounds_ms": {
            name: [round(1000 * each, 3) for each in times[setting]]
            for name, setting in {"on": "on", **settings}.items()
        },
    }


def without(kernel: str) -> str:
    """The setting of the switch that leaves one kernel out."""
    return ",".join(name for name in KERNELS if name != kernel)


def steps_per_round(seconds: float) -> int:
    """How many steps of so many seconds a setting takes in a round."""
    return min(MOST_STEPS, max(1, math.ceil(ROUND_SECONDS / seconds)))


def take_turns(
    model: Model, settings: Sequence[str], steps: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds of a step by setting, one value a round; each round starts with another setting."""
    times: dict[str, list[float]] = {setting: [] for setting in settings}
    for turn in range(rounds):
        first = turn % len(settings)
        for setting in [*settings[first:], *settings[:first]]:
            times[setting].append(model.seconds(setting, steps))
    return times


def ratio_interval(times: Sequence[float], others: Sequence[float]) -> dict[str, float]:
    """The ratio of times to those of the same round, over all rounds; below 1 is faster.

    Returns:
        The median, its 95 % interval by bootstrap over rounds, the 10th and the 90th percentile.
    """
    ratios = np.array(times) / np.array(others)
    random = np.random.default_rng(SEED)
    medians = np.median(random.choice(ratios, (RESAMPLES, len(ratios))), axis=1)
    found = {
        "ratio": np.median(ratios),
        "ratio_low": np.quantile(medians, 0.025),
        "ratio_high": np.quantile(medians, 0.975),
        "ratio_p10": np.quantile(ratios, 0.1),
        "ratio_p90": np.quantile(ratios, 0.9),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def summary(row: Mapping[str, Any]) -> str:
    """One line of a row, for the terminal."""
    ratios = ", ".join(
        f"{name} {each['ratio']:.3f} ({each['ratio_low']:.3f} to {each['ratio_high']:.3f})"
        for name, each in row["ratios"].items()
    )
    return f"{row['method']}, {row['stage']}: {row['ms']:.1f} ms; with / without: {ratios}"


def models(method: str) -> Iterator[Model]:
    """The model of a method in each stage of its training, one after the other."""
    import keras

    from tf_translate.experiment.build import build
    from tf_translate.experiment.configure import resolve
    from tf_translate.experiment.dataset import open_dataset

    overrides = list(_PAPER_NETWORKS_AT_128) if method == CYCLEGAN_128 else []
    if method in ("icgan", "age_cgan"):  # only steps after recalibration are timed
        overrides.append("model.bn_recalibration_steps=0")
    preset = "cyclegan_small" if method == CYCLEGAN_128 else f"{method}_small"
    config = resolve(preset, overrides)
    data = open_dataset(config)
    keras.utils.set_random_seed(SEED)
    keras.mixed_precision.set_global_policy(config.training.precision)
    translator = build(config)
    for stage in translator.stages:
        translator.enter_stage(stage)
        yield TracedModel(method, config, data, translator)
    keras.backend.clear_session()


class TracedModel:
    """A translator on one batch, with a traced step for each setting of the switch."""

    def __init__(self, method: str, config, data, translator) -> None:
        size, training = config.data.size, config.training
        self.about = {
            "method": method,
            "stage": translator.stage,
            "size": list(size),
            "batch": training.batch_size,
            "precision": training.precision,
        }
        self._translator = translator
        images = training.batch_size * translator.microbatches_per_step
        batches = data.training(batch_size=images, seed=SEED).take(1).cache().repeat()
        self._batches = iter(batches)
        self._functions: dict[str, Any] = {}

    def trace(self, setting: str, steps: int) -> set[str]:
        """As `Model` says."""
        from tf_translate.layers.cpu import record_kernels

        os.environ[VARIABLE] = setting
        self._translator.make_train_function(force=True)
        self._functions[setting] = self._translator.train_function
        with record_kernels() as used:
            self.seconds(setting, steps)
        return used

    def seconds(self, setting: str, steps: int) -> float:
        """As `Model` says; all settings take the same steps of the training."""
        os.environ[VARIABLE] = setting
        self._translator.steps_taken.assign(0)
        start = time.perf_counter()
        for _ in range(steps):
            logs = self._functions[setting](self._batches)
        [float(value) for value in logs.values()]  # waits for the last step
        return (time.perf_counter() - start) / steps


def _milliseconds(seconds: Sequence[float]) -> float:
    return round(1000 * float(np.median(seconds)), 3)


def _revision() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench cpu_kernels",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--method", action="append", choices=METHODS, help="repeatable")
    parser.add_argument("--kernel", action="append", choices=KERNELS, help="repeatable")
    parser.add_argument("--rounds", type=whole_number, default=10)
    parser.add_argument("--folder", type=Path, default=Path("runs/cpu_kernels"))
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(_options(sys.argv[1:]), sys.argv[1:]))
