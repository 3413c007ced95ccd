"""Training steps of all methods now and at an earlier revision, taking turns; see bench_steps."""

import argparse
import datetime
import json
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from scripts.benchmarks.machine import machine, versions
from scripts.benchmarks.steps_jobs import ALONE, NEEDED, STARTS
from scripts.benchmarks.steps_trainer import Trainer, TrainerError
from scripts.stress.toml_file import write_toml
from scripts.stress.whole_number import whole_number

ROOT = Path(__file__).parents[2]
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
NEVER = 10**6  # steps between log rows, images and checkpoints
Settings = dict[str, dict[str, Any]]


def main(asked: argparse.Namespace) -> None:
    """Measures one method after the other and writes what was found after each."""
    if asked.folder.exists():
        sys.exit(f"--folder must be new, {asked.folder} is there already: choose another")
    asked.folder.mkdir(parents=True)
    result = {
        "command": shlex.join(["scripts/bench_steps", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")),
        "revision": _git("rev-parse", "--short", "HEAD"),
        "rounds": asked.rounds,
        "steps_per_round": asked.steps - 1,
        "step_times": [],
    }
    for method in asked.method or STARTS:
        for precision in _precisions(method, asked.precision):
            print(f"{method}, {precision}", file=sys.stderr, flush=True)
            result["step_times"] += measured(method, precision, asked)
            text = json.dumps(result, indent=1) + "\n"
            (asked.folder / "bench_steps.json").write_text(text)
    print(asked.folder / "bench_steps.json")


def measured(method: str, precision: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each kind of step of a method."""
    folder = asked.folder / f"{method}_{precision}"
    folder.mkdir()
    own = settings_of(method, precision)
    start = STARTS[method]
    revision = asked.before or start.revision
    as_before = own if asked.before else without(own, start.without)
    with ExitStack() as stack:
        trees = {"now": (ROOT, own)}
        if as_before != own:
            trees["after"] = (ROOT, as_before)
        reason = "not asked for" if revision == "none" else None
        if reason is None:
            try:
                trees["before"] = (stack.enter_context(worktree(revision)), as_before)
            except subprocess.CalledProcessError as error:
                reason = error.stderr.strip().splitlines()[-1]
        race = Race(method, folder, asked, trees)
        race.run(stack)
        reason = reason or race.failed
    about = {
        "method": method, "precision": precision, "side": own["data"]["size"][0],
        "batch": own["training"]["batch_size"],
    }  # fmt: skip
    before = {"before_revision": revision, "before_reason": reason}
    if as_before != own and not reason:
        before["before_without"] = list(start.without)
    return [{**about, **race.row(kind), **before} for kind in race.kinds]


class Race:
    """The revisions of one method, each in a process of its own.

    Args:
        method: Its name.
        folder: Where configurations, runs and logs go.
        asked: Numbers of rounds and steps.
        trees: Checkout and settings of "now", and maybe "before" and, if that cannot take the
            settings of today, "after": today's code with those of before.

    Attributes:
        kinds: Kinds of step in order.
        failed: Why "before" could not run, or None.
    """

    def __init__(self, method: str, folder: Path, asked: argparse.Namespace, trees: Mapping):
        self._method, self._folder, self._asked, self._trees = method, folder, asked, dict(trees)
        self.kinds = [kind for name, kind in NEEDED if name == method]
        self._stages = [kind for kind in self.kinds if kind != ALONE]
        self.failed: str | None = None
        self._rounds: dict[tuple[str, str], list[list[dict]]] = {}
        self._peaks: dict[tuple[str, str], int] = {}
        self._passes: dict[tuple[str, str], dict[str, int]] = {}

    def run(self, stack: ExitStack) -> None:
        """Counts passes, then times all in turns."""
        each = 3 if ALONE in self.kinds else 1
        for name in list(self._trees):
            with self._guarded(name), ExitStack() as alone:
                trainer = alone.enter_context(self._start(name, each, count=True))
                for _ in self._stages:
                    for step in trainer.take(each)["steps"]:
                        self._passes[name, _kind(step)] = step["passes"]
        asked = self._asked
        length = asked.warm_up + asked.rounds * asked.steps
        trainers: dict[str, Trainer] = {}
        for name in list(self._trees):
            with self._guarded(name):
                trainers[name] = stack.enter_context(self._start(name, length))
        self._check_parameters(trainers)
        for stage in self._stages:
            self._turns(stage, trainers)
        missing = [kind for kind in self.kinds if ("before", kind) not in self._rounds]
        if "before" in self._trees and missing:
            self.failed = f"it has no steps of the kind {missing[0]!r}"
            del self._trees["before"]

    def _turns(self, stage: str, trainers: Mapping[str, Trainer]) -> None:
        for turn in range(self._asked.rounds + 1):
            for name, trainer in trainers.items():
                if name not in self._trees:
                    continue
                with self._guarded(name):
                    found = trainer.take(self._asked.steps if turn else self._asked.warm_up)
                    if turn:  # the first step after a pause finds cold caches
                        self._note(name, found["steps"][1:])
                    self._peaks[name, stage] = found["peak_kib"]
                    self._peaks[name, ALONE] = found["peak_kib"]

    def _note(self, name: str, steps: list[dict]) -> None:
        for kind in {_kind(step) for step in steps}:
            own = [step for step in steps if _kind(step) == kind]
            self._rounds.setdefault((name, kind), []).append(own)

    @contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        """Today's code must run; of an earlier one it is told why it does not."""
        try:
            yield
        except TrainerError as error:
            if name != "before":
                raise
            self.failed = str(error)
            del self._trees[name]

    def _start(self, name: str, each: int, *, count: bool = False) -> Trainer:
        tree, settings = self._trees[name]
        label = f"{name}_count" if count else name
        file = self._folder / f"{label}.toml"
        write_toml(file, lasting(settings, self._stages, each, batch=2 if count else None))
        return Trainer(tree, file, self._folder / label, count=count)

    def _check_parameters(self, trainers: Mapping[str, Trainer]) -> None:
        if "before" not in self._trees:
            return
        own = trainers["after" if "after" in trainers else "now"].parameters
        theirs = trainers["before"].parameters
        if own != theirs:
            self.failed = f"networks differ: {theirs} parameters then, {own} now"
            del self._trees["before"]

    def row(self, kind: str) -> dict[str, Any]:
        """What was found of a kind of step."""
        return {
            "kind": kind,
            **self._metrics("now", kind),
            "needed": dict(NEEDED[self._method, kind]),
            **self._compared(kind),
        }

    def _compared(self, kind: str) -> dict[str, Any]:
        if "before" not in self._trees:
            return {"before": None, "after": None, "ratio": None}
        later = "after" if "after" in self._trees else "now"
        pairs = zip(self._rounds[later, kind], self._rounds["before", kind], strict=True)
        return {
            "before": self._metrics("before", kind),
            "after": self._metrics(later, kind),
            "ratio": median(_seconds(after) / _seconds(before) for after, before in pairs),
        }

    def _metrics(self, name: str, kind: str) -> dict[str, Any]:
        steps = [step for each in self._rounds[name, kind] for step in each]
        waited, whole = (sum(step[key] for step in steps) for key in ("waited", "seconds"))
        needed = dict.fromkeys(NEEDED[self._method, kind], 0)
        passes = {**needed, **self._passes[name, kind]}
        return {
            "seconds": _seconds(steps),
            "waiting": waited / whole,
            "peak_mib": round(self._peaks[name, kind] / 1024),
            "passes": passes,  # in the order of what is needed
            "timed": len(steps),
        }


def settings_of(method: str, precision: str) -> Settings:
    """The small preset on the shipped images, by path, so that any revision finds them."""
    settings = _preset(method)
    kind, _, name = settings["data"]["path"].partition(":")
    if kind != "samples":
        raise ValueError(f"the small preset of {method} must be of samples, got {kind}")
    settings["data"]["path"] = str(ROOT / "assets" / "samples" / f"{name}.csv")
    settings["training"]["precision"] = precision
    if method in ("icgan", "age_cgan"):  # steps behind the first ones of the stage
        settings["model"]["bn_recalibration_steps"] = 0
    settings.pop("evaluation", None)  # these two serve measuring alone
    settings["data"].pop("group_column", None)
    return settings


def without(settings: Settings, keys: Iterable[str]) -> Settings:
    """Settings at their defaults for some keys, each "table.key"."""
    copy = {name: dict(v) if isinstance(v, dict) else v for name, v in settings.items()}
    for name in keys:
        table, key = name.split(".", 1)
        del copy[table][key]
    return {name: value for name, value in copy.items() if value != {}}


def lasting(settings: Settings, stages: list[str], each: int, *, batch: int | None) -> Settings:
    """Settings with so many steps for each stage, undisturbed by writing."""
    training = {
        **settings["training"],
        "steps": each * len(stages),
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


def _precisions(method: str, asked: list[str] | None) -> list[str]:
    """Those asked for, or float32 and the preset's."""
    own = _preset(method)["training"].get("precision", "float32")
    return list(dict.fromkeys(asked or ["float32", own]))


def _kind(step: Mapping) -> str:
    return ALONE if step["alone"] else step["stage"]


def _seconds(steps: list[dict]) -> float:
    return median(step["seconds"] for step in steps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_steps"))
    parser.add_argument("--method", action="append", choices=list(STARTS))
    parser.add_argument("--before", help="a revision, or none; default: where each method began")
    parser.add_argument("--precision", action="append", choices=PRECISIONS)
    parser.add_argument("--rounds", type=whole_number, default=3)
    parser.add_argument("--steps", type=whole_number, default=7, help="of a round; at least 4")
    parser.add_argument("--warm-up", type=whole_number, default=3)
    arguments = parser.parse_args()
    if arguments.steps < 4:  # one is dropped, and of three one is not of the discriminators alone
        parser.error(f"--steps must be at least 4, got {arguments.steps}")
    main(arguments)
