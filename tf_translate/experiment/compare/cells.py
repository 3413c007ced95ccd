"""The cells of a comparison: a method and a seed, their settings, folder and commands.

A cell may be an ablation: the method without one of its loss terms, see `ablations.py`.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_translate.config.load import apply_overrides, load
from tf_translate.config.task import Supervision, Task
from tf_translate.errors import ConfigError, UnknownMethodError
from tf_translate.experiment.compare.ablations import (
    Ablation,
    Ablations,
    ablations_of,
    method_of,
    without_empty_stages,
)
from tf_translate.experiment.compare.fixed_steps import FixedSteps, read_steps
from tf_translate.experiment.compare.shorter_budget import shortened_settings
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.eval_sets.latent_edits import PAINTED
from tf_translate.experiment.eval_sets.reconstructions import RECONSTRUCT
from tf_translate.methods import registry

_PATHS = ("data.path", "evaluation.judge_path")  # relative to the folder of the data
NEEDS: dict[str, Supervision] = {  # what a method of a layout cannot do without
    "paired": "pairs",
    "unpaired": "sets",
    "attributes": "attributes",
    "images": "images",
}
PREPARED = "pretrained"  # folder of the pretrained networks of a task


@dataclass(frozen=True)
class Cell:
    """One training and its evaluation.

    Attributes:
        name: Name of the method, or of a variant of it, in the task; for an ablation with the loss
            term that is off, such as "pix2pix-without-l1".
        method: Name of the method in the registry.
        seed: Seed of training.
        preset: Preset or file of its settings.
        settings: Settings that differ from the preset: "group.setting" to value.
        direction: Direction of its results that is the task.
        uses: Supervision it uses.
        folder: Its folder, which is that of the run.
        minutes: Its training budget in minutes.
        steps_from: Where and when the step times were measured that set its steps; None if it
            measures them itself, and ends when the minutes are used up.
        ablation: Which loss terms are off; None if it is not a cell of ablations.
    """

    name: str
    method: str
    seed: int
    preset: str
    settings: Mapping[str, Any]
    direction: str
    uses: tuple[str, ...]
    folder: Path
    minutes: float
    steps_from: Mapping[str, Any] | None = None
    ablation: Ablation | None = None

    @property
    def id(self) -> str:
        """The cell in commands, such as `cyclegan:0`."""
        return f"{self.name}:{self.seed}"

    @property
    def log(self) -> Path:
        """Output of its commands, beside its folder."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def train_arguments(self) -> list[str]:
        """Arguments of `tf-translate` that start its training."""
        options = [part for each in overrides_of(self.settings) for part in ("--set", each)]
        return ["train", self.preset, "--run", str(self.folder), *options]

    def resume_arguments(self) -> list[str]:
        """Arguments of `tf-translate` that continue its training."""
        return ["train", self.preset, "--run", str(self.folder), "--resume"]

    def evaluate_arguments(self) -> list[str]:
        """Arguments of `tf-translate` that evaluate its direction (of IAN by both editors).

        Ablations are compared by the direction alone.
        """
        directions = [self.direction]
        is_edit = registry.find(self.method).layout == "images" and self.direction != RECONSTRUCT
        if is_edit and not self.direction.endswith(PAINTED) and self.ablation is None:
            directions.append(self.direction + PAINTED)
        options = [part for each in directions for part in ("--direction", each)]
        return ["evaluate", str(self.folder), *options]


@dataclass(frozen=True)
class Comparison:
    """A task with all that its cells need.

    Attributes:
        name: Name of the task.
        task: The task.
        folder: Folder of the cells.
        data: Folder that paths of data are relative to.
        minutes: Minutes of training of a cell.
        settings: Settings of all cells that come before all others.
        fixed_steps: Step times that set the steps of cells; None: each cell times its own, and
            ends when the minutes are used up.
    """

    name: str
    task: Task
    folder: Path
    data: Path
    minutes: float
    settings: Mapping[str, Any]
    fixed_steps: FixedSteps | None = None

    def cell(self, name: str, seed: int) -> Cell:
        """The cell of a method and a seed.

        Args:
            name: Name of the method in the task, or of one of its ablations.
            seed: Seed of training.

        Raises:
            ConfigError: If a setting of the method is not allowed, or it has no such ablation.
        """
        method = method_of(name)
        if method == name:
            return self._cell(name, seed, None)
        found = self.ablations(method)
        ablation = found.find(name)
        if ablation is None:
            term = name.removeprefix(f"{method}-without-")
            reason = found.refused.get(term)
            why = f"cannot be switched off: {reason}" if reason else "is no loss term of it"
            raise ConfigError(
                f"{term} of {method} {why}; its cells of ablations are "
                f"{', '.join(each.name for each in found.cells)}"
            )
        return self._cell(method, seed, ablation)

    def ablations(self, name: str) -> Ablations:
        """The ablations of one of its methods.

        Raises:
            ConfigError: If a setting of the method is not allowed.
        """
        cell = self._cell(name, 0, None)
        overrides = overrides_of(cell.settings)
        given = load(cell.preset, overrides).loss_weights
        return ablations_of(name, resolve(cell.preset, overrides), given)

    def shortened(self, name: str) -> dict[str, Any]:
        """Settings of a method that shrink, because its cells have less time than the task gives.

        Those that are set for all cells stay as they are.

        Raises:
            ConfigError: If a setting of the method is not allowed.
        """
        if self.minutes >= self.task.minutes:
            return {}
        given = {**self.task.settings_of(name), **self.settings}
        config = resolve(self.task.preset_of(name), overrides_of(given))
        found = shortened_settings(config, self.minutes / self.task.minutes)
        return {key: value for key, value in found.items() if key not in self.settings}

    def _cell(self, name: str, seed: int, ablation: Ablation | None) -> Cell:
        preset = self.task.preset_of(name)
        own = {**self.task.settings_of(name), **self.settings}
        settings = {key: self._with_paths(key, value) for key, value in own.items()}
        fixed = self.fixed_steps
        steps = None if fixed is None else fixed.steps(name, settings, self.minutes)
        settings |= (
            {"training.minutes": self.minutes} if steps is None else {"training.steps": steps}
        )
        settings["training.seed"] = seed
        if ablation and ablation.settings:
            settings |= self._shares_of_stages(name, preset, settings, ablation.settings)
            settings |= ablation.settings
        label = ablation.name if ablation else name
        method = self._checked_method(label, preset, settings)
        settings |= self.shortened(name)
        return Cell(
            label,
            method,
            seed,
            preset,
            settings,
            self.task.direction_of(name),
            tuple(self.task.uses_of(name)),
            self.folder / f"{label}-{seed}",
            self.minutes,
            None if fixed is None or steps is None else fixed.measured,
            ablation,
        )

    def _shares_of_stages(
        self, name: str, preset: str, settings: Mapping[str, Any], weights: Mapping[str, float]
    ) -> dict[str, Any]:
        """Settings that leave out the time of stages in which nothing is left to learn from."""
        config = resolve(preset, overrides_of(settings))
        left = without_empty_stages(config, name, weights)
        if left.share == 1.0:
            return {}
        found: dict[str, Any] = {"training.stages": dict(left.stages)}
        if "training.steps" in settings:
            unit = config.training.steps_per_execution
            units = round(settings["training.steps"] * left.share / unit)
            found["training.steps"] = unit * max(len(left.stages) + 1, units)
        else:
            found["training.minutes"] = self.minutes * left.share
        return found

    def _with_paths(self, key: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if key in _PATHS and ":" not in value:
            return str(self.data / value)  # an absolute path stays as it is
        for name in self.task.pretrained:
            value = value.replace(f"{{{name}}}", str(self.folder / PREPARED / f"{name}.keras"))
        return value

    def _checked_method(self, name: str, preset: str, settings: Mapping[str, Any]) -> str:
        try:
            return resolve(preset, overrides_of(settings)).method
        except ConfigError as error:
            raise ConfigError(f"the task {self.name}, method {name}: {error}") from error


def make_comparison(
    name: str,
    task: Task,
    *,
    run: Path,
    data: Path,
    minutes: float | None = None,
    overrides: Sequence[str] = (),
) -> Comparison:
    """A comparison on a task.

    Args:
        name: Name of the task.
        task: The task.
        run: Folder of comparisons; that of the task is in it.
        data: Folder that paths of data are relative to.
        minutes: Minutes of training of a cell; None: those of the task.
        overrides: "group.setting=value" for all cells.

    Raises:
        ConfigError: If the minutes are not above 0, or an override has another form.
        RunError: If the folder's `steps.json` is broken.
    """
    if minutes is not None and not minutes > 0:
        raise ConfigError(
            f"--budget must be above 0 minutes, got {minutes:g}; leave it out for "
            f"the {task.minutes:g} of the task"
        )
    nested: dict[str, dict[str, Any]] = {}
    apply_overrides(nested, overrides)
    settings: dict[str, Any] = {}
    for group, values in nested.items():
        if not isinstance(values, dict):
            raise ConfigError(
                f"--set takes group.setting=value, as in training.precision=float32, "
                f"got {group}={values!r}"
            )
        settings |= {f"{group}.{key}": value for key, value in values.items()}
    for own in ("training.minutes", "training.seed", "training.steps"):
        if own in settings:
            raise ConfigError(
                f"--set {own} is what a comparison sets itself; use --budget and --seeds"
            )
    folder = run / name
    return Comparison(
        name, task, folder, data, minutes or task.minutes, settings, read_steps(folder)
    )


def choose_cells(
    comparison: Comparison, names: Sequence[str], seeds: int, *, ablations: bool = False
) -> list[Cell]:
    """The cells of some methods, seed by seed, so that all methods come early.

    Of ablations, those with all loss terms come first: the others are compared with them.

    Args:
        comparison: The comparison.
        names: Methods; empty: all of the task that apply.
        seeds: Number of seeds, from 0.
        ablations: Whether each method has a cell with all loss terms and one without each of them,
            instead of its own.

    Raises:
        ConfigError: If the task has no such method, it does not apply, or there is no seed.
    """
    if seeds < 1:
        raise ConfigError(f"--seeds must be at least 1, got {seeds}")
    chosen = list(dict.fromkeys(names)) or list(applicable(comparison.task))
    left_out = not_compared(comparison.task)
    for name in chosen:
        if name in left_out:
            raise ConfigError(
                f"{name} is not compared in the task {comparison.name}: "
                f"{left_out[name]}; leave it out of --methods"
            )
        if name not in comparison.task.methods:
            raise ConfigError(
                f"the task {comparison.name} has no method {name!r}, only "
                f"{', '.join(comparison.task.methods)}"
            )
    if ablations:
        all_of = [comparison.ablations(name).cells for name in chosen]
        controls = [control.name for control, *_ in all_of]
        chosen = [*controls, *(each.name for _, *others in all_of for each in others)]
    return [comparison.cell(name, seed) for seed in range(seeds) for name in chosen]


def find_cell(comparison: Comparison, text: str) -> Cell:
    """The cell that `--cell METHOD:SEED` names.

    Raises:
        ConfigError: If it has another form, or there is no such method or loss term.
    """
    name, colon, seed = text.rpartition(":")
    if not colon or not seed.isdecimal():
        raise ConfigError(f"--cell must be METHOD:SEED, as in cyclegan:0, got {text!r}")
    choose_cells(comparison, [method_of(name)], 1)  # says what is wrong with the name
    return comparison.cell(name, int(seed))


def applicable(task: Task) -> list[str]:
    """Names of the methods of a task whose supervision it provides."""
    return [name for name in task.methods if set(task.uses_of(name)) <= task.offered]


def not_compared(task: Task) -> dict[str, str]:
    """Why a method is not compared, by name: of the task, and of all registered methods.

    Raises:
        ConfigError: If `not_applicable` of the task names a method that does not exist, or that is
            compared under another name.
    """
    compared = {_preset_method(task, name): name for name in task.methods}
    _check_names(task, compared)
    provided = join(task.provides)
    reasons = {
        name: f"it uses {join(task.uses_of(name))}, and the task provides {provided}"
        for name in task.methods
        if name not in applicable(task)
    }
    for name in registry.names():
        if name in compared or name in reasons:
            continue
        need = NEEDS[registry.find(name).layout]
        own = f"it needs {need}, and the task provides {provided}"
        reasons[name] = task.not_applicable.get(
            name, "the task does not list it" if need in task.offered else own
        )
    return reasons


def lacking_supervision(task: Task) -> set[str]:
    """Names of methods, of the task and registered, that need more than the task offers."""
    others = {name: NEEDS[registry.find(name).layout] for name in registry.names()}
    lacking = {name for name, need in others.items() if need not in task.offered}
    return (lacking | set(task.methods)) - set(applicable(task))


def _check_names(task: Task, compared: Mapping[str, str]) -> None:
    """Refuses reasons for methods that do not exist, or that a name of the task stands for."""
    for name in task.not_applicable:
        try:
            registry.find(name)
        except UnknownMethodError as error:
            raise ConfigError(f"not_applicable of the task: {error}") from error
        if name in compared:
            raise ConfigError(
                f"not_applicable of the task names {name}, which methods.{compared[name]} is; "
                "delete one of the two"
            )


def _preset_method(task: Task, name: str) -> str:
    preset = task.preset_of(name)
    try:
        return load(preset).method
    except UnknownMethodError as error:
        raise ConfigError(
            f"methods.{name} of the task has the preset {preset!r}, which does not exist: {error}"
        ) from error


def join(words: Sequence[str]) -> str:
    """Words as a sentence lists them: "a, b and c"."""
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def toml_value(value: Any) -> str:
    """A value as TOML on one line, as `--set` takes it."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)} = {toml_value(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def overrides_of(settings: Mapping[str, Any]) -> list[str]:
    """Settings as `--set` takes them: "group.setting=value"."""
    return [f"{key}={toml_value(value)}" for key, value in settings.items()]


def cell_command(
    task: str, cell: Cell, run: Path, options: Sequence[str], imports: Sequence[Path] = ()
) -> str:
    """The shell command that runs one cell.

    Args:
        task: The task as it was given.
        cell: The cell.
        run: Folder of comparisons.
        options: Further options of `compare run`.
        imports: Python files that register methods.
    """
    imported = [part for file in imports for part in ("--import", str(file))]
    command = ["compare", "run", task, "--cell", cell.id, "--run", str(run), *options]
    return shlex.join(["tf-translate", *imported, *command])
