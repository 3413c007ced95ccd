"""Times the training steps of all methods, optionally in turns with another revision.

scripts/bench steps [--method NAME]... [--before REVISION] [--precision NAME]...
                    [--rounds 3] [--steps 7] [--warm-up 3] [--folder NEW]

Uses the small presets on the shipped samples. Also counts forward passes, and measures peak memory
and the fraction of a step that waits for data. Writes bench_steps.json. Takes about twenty minutes
on two idle cores.
"""

import argparse
import datetime
import json
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from scripts.benchmarks.machine import ROOT, machine, versions
from scripts.benchmarks.steps_jobs import ALONE, METHODS, NEEDED
from scripts.benchmarks.steps_trainer import Trainer, TrainerError
from scripts.stress.toml_file import write_toml
from scripts.stress.whole_number import whole_number

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
NEVER = 10**6  # steps between log rows, images and checkpoints
NO_REVISION = "none"
Settings = dict[str, dict[str, Any]]


def main(options: argparse.Namespace) -> None:
    """Measures one method after the other and writes the result after each."""
    if options.folder.exists():
        sys.exit(f"--folder must be new, {options.folder} already exists")
    options.folder.mkdir(parents=True)
    result = {
        "command": shlex.join(["scripts/bench", "steps", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        "revision": _git("rev-parse", "--short", "HEAD"),
        "rounds": options.rounds,
        "steps_per_round": options.steps - 1,
        "step_times": [],
    }
    for method in options.method or METHODS:
        for precision in _precisions(method, options.precision):
            print(f"{method}, {precision}", file=sys.stderr, flush=True)
            result["step_times"] += measure(method, precision, options)
            text = json.dumps(result, indent=1) + "\n"
            (options.folder / "bench_steps.json").write_text(text)
    print(options.folder / "bench_steps.json")


def measure(method: str, precision: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each kind of step of a method."""
    folder = options.folder.resolve() / f"{method}_{precision}"
    folder.mkdir()
    settings = settings_of(method, precision)
    revision = options.before
    with ExitStack() as stack:
        trees = {"now": ROOT}
        reason = "no revision was given" if revision == NO_REVISION else None
        if reason is None:
            try:
                trees["before"] = stack.enter_context(worktree(revision))
            except subprocess.CalledProcessError as error:
                reason = error.stderr.strip().splitlines()[-1]
        race = Race(method, folder, options, settings, trees)
        race.run(stack)
        reason = reason or race.failed
    about = {
        "method": method, "precision": precision, "side": settings["data"]["size"][0],
        "batch": settings["training"]["batch_size"],
    }  # fmt: skip
    before = {"before_revision": revision, "before_reason": reason}
    return [{**about, **race.row(kind), **before} for kind in race.kinds]


class Race:
    """The revisions of one method, each in its own process.

    Args:
        method: Its name.
        folder: Where configurations, runs and logs go.
        options: The numbers of rounds and steps.
        settings: The configuration, with the names of today.
        trees: Checkout of "now", and of "before" if there is one.

    Attributes:
        kinds: Kinds of step in order.
        failed: Why "before" could not run, or None.
    """

    def __init__(
        self,
        method: str,
        folder: Path,
        options: argparse.Namespace,
        settings: Settings,
        trees: Mapping[str, Path],
    ):
        self._method, self._folder, self._options = method, folder, options
        self._settings, self._trees = settings, dict(trees)
        self.kinds = [kind for name, kind in NEEDED if name == method]
        self._stages = [kind for kind in self.kinds if kind != ALONE]
        self.failed: str | None = None
        self._rounds: dict[tuple[str, str], list[list[dict]]] = {}
        self._peaks: dict[tuple[str, str], int] = {}
        self._passes: dict[tuple[str, str], dict[str, int]] = {}

    def run(self, stack: ExitStack) -> None:
        """Counts passes, then times all in turns."""
        steps = 3 if ALONE in self.kinds else 1
        for name in list(self._trees):
            with self._guarded(name), ExitStack() as counting:
                trainer = counting.enter_context(self._start(name, steps, count=True))
                for _ in self._stages:
                    for step in trainer.take(steps)["steps"]:
                        self._passes[name, _kind(step)] = step["passes"]
        steps = self._options.warm_up + self._options.rounds * self._options.steps
        trainers: dict[str, Trainer] = {}
        for name in list(self._trees):
            with self._guarded(name):
                trainers[name] = stack.enter_context(self._start(name, steps))
        self._check_parameters(trainers)
        for stage in self._stages:
            self._take_turns(stage, trainers)
        missing = [kind for kind in self.kinds if ("before", kind) not in self._rounds]
        if "before" in self._trees and missing:
            self.failed = f"it has no steps of the kind {missing[0]!r}"
            del self._trees["before"]

    def _take_turns(self, stage: str, trainers: Mapping[str, Trainer]) -> None:
        for turn in range(self._options.rounds + 1):
            for name, trainer in trainers.items():
                if name not in self._trees:
                    continue
                with self._guarded(name):
                    steps = self._options.steps if turn else self._options.warm_up
                    answer = trainer.take(steps)
                    if turn:  # the first step after a pause finds cold caches
                        self._record(name, answer["steps"][1:])
                    self._peaks[name, stage] = answer["peak_kib"]
                    self._peaks[name, ALONE] = answer["peak_kib"]

    def _record(self, name: str, steps: list[dict]) -> None:
        for kind in {_kind(step) for step in steps}:
            same_kind = [step for step in steps if _kind(step) == kind]
            self._rounds.setdefault((name, kind), []).append(same_kind)

    @contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        """Records why "before" fails; an error of today's code is raised."""
        try:
            yield
        except TrainerError as error:
            if name != "before":
                raise
            self.failed = str(error)
            del self._trees[name]

    def _start(self, name: str, steps: int, *, count: bool = False) -> Trainer:
        label = f"{name}_count" if count else name
        file = self._folder / f"{label}.toml"
        settings = with_steps(self._settings, self._stages, steps, batch=2 if count else None)
        write_toml(file, settings)
        return Trainer(self._trees[name], file, self._folder / label, count=count)

    def _check_parameters(self, trainers: Mapping[str, Trainer]) -> None:
        if "before" not in self._trees:
            return
        now, before = (trainers[name].parameters for name in ("now", "before"))
        if now != before:
            self.failed = f"networks differ: {before} parameters before, {now} now"
            del self._trees["before"]

    def row(self, kind: str) -> dict[str, Any]:
        """The measurements of a kind of step."""
        return {
            "kind": kind,
            **self._metrics("now", kind),
            "needed": dict(NEEDED[self._method, kind]),
            **self._compared(kind),
        }

    def _compared(self, kind: str) -> dict[str, Any]:
        if "before" not in self._trees:
            return {"before": None, "after": None, "ratio": None}
        pairs = zip(self._rounds["now", kind], self._rounds["before", kind], strict=True)
        return {
            "before": self._metrics("before", kind),
            "after": self._metrics("now", kind),
            "ratio": median(_seconds(after) / _seconds(before) for after, before in pairs),
        }

    def _metrics(self, name: str, kind: str) -> dict[str, Any]:
        steps = [step for each in self._rounds[name, kind] for step in each]
        waited, total = (sum(step[key] for step in steps) for key in ("waited", "seconds"))
        needed = dict.fromkeys(NEEDED[self._method, kind], 0)
        passes = {**needed, **self._passes[name, kind]}
        return {
            "seconds": _seconds(steps),
            "waiting": waited / total,
            "peak_mib": round(self._peaks[name, kind] / 1024),
            "passes": passes,  # in the order of NEEDED
            "timed": len(steps),
        }


def settings_of(method: str, precision: str) -> Settings:
    """The small preset on the shipped images, by path, so that any revision finds them."""
    settings = _preset(method)
    kind, _, name = settings["data"]["path"].partition(":")
    if kind != "samples":
        raise ValueError(f"the small preset of {method} must use shipped samples, got {kind}")
    settings["data"]["path"] = str(ROOT / "assets" / "samples" / f"{name}.csv")
    settings["training"]["precision"] = precision
    if method in ("icgan", "age_cgan"):  # only steps after recalibration are timed
        settings["model"]["bn_recalibration_steps"] = 0
    settings.pop("evaluation", None)  # this table and this column have no effect on a step
    settings["data"].pop("group_column", None)
    return settings


def with_steps(settings: Settings, stages: list[str], steps: int, *, batch: int | None) -> Settings:
    """Settings with so many steps per stage, and with nothing written in between."""
    training = {
        **settings["training"],
        "steps": steps * len(stages),
        **dict.fromkeys(("log_every", "sample_every", "checkpoint_every"), NEVER),
    }
    if batch is not None:
        training["batch_size"] = batch
    if len(stages) > 1:
        training["stages"] = dict.fromkeys(stages[:-1], 1 / len(stages))
    return {**settings, "training": training}


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """A checkout of a revision in a temporary folder.

    Raises:
        CalledProcessError: If git does not know the revision, with what it says.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(path), revision)
        try:
            yield path
        finally:
            _git("worktree", "remove", "--force", str(path))


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _preset(method: str) -> Settings:
    path = ROOT / "tf_translate" / "config" / "presets" / f"{method}_small.toml"
    return tomllib.loads(path.read_text())


def _precisions(method: str, requested: list[str] | None) -> list[str]:
    """The requested ones, or float32 and the preset's."""
    preset = _preset(method)["training"].get("precision", "float32")
    return list(dict.fromkeys(requested or ["float32", preset]))


def _kind(step: Mapping) -> str:
    return ALONE if step["alone"] else step["stage"]


def _seconds(steps: list[dict]) -> float:
    return median(step["seconds"] for step in steps)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench steps", description=__doc__.splitlines()[0]
    )
    folder = Path("runs/bench_steps")
    parser.add_argument("--folder", type=Path, default=folder, help="new; default %(default)s")
    parser.add_argument("--method", action="append", choices=METHODS, help="repeatable")
    parser.add_argument(
        "--before", metavar="REVISION", default=NO_REVISION,
        help="a git revision to compare with; default %(default)s",
    )  # fmt: skip
    parser.add_argument("--precision", action="append", choices=PRECISIONS, help="repeatable")
    parser.add_argument("--rounds", type=whole_number, default=3, help="turns of each revision")
    parser.add_argument("--steps", type=whole_number, default=7, help="steps per turn, at least 4")
    parser.add_argument("--warm-up", type=whole_number, default=3, help="steps before the first")
    options = parser.parse_args()
    # The first step of a turn is dropped. Of three more, one may belong to the discriminators.
    if options.steps < 4:
        parser.error(f"--steps must be at least 4, got {options.steps}")
    return options


if __name__ == "__main__":
    main(_arguments())
