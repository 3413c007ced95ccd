"""A comparison on a task, which makes its cells: settings, steps and ablations of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_translate.config.load import apply_overrides, load
from tf_translate.config.task import Task
from tf_translate.errors import ConfigError
from tf_translate.experiment.compare.ablations import (
    Ablation,
    Ablations,
    ablations_of,
    method_of,
    without_empty_stages,
)
from tf_translate.experiment.compare.cells.cell import Cell, overrides_of
from tf_translate.experiment.compare.fixed_steps import FixedSteps, read_steps
from tf_translate.experiment.compare.shorter_budget import shortened_settings
from tf_translate.experiment.configure import resolve

_PATHS = ("data.path", "evaluation.judge_path")  # relative to the folder of the data
PREPARED = "pretrained"  # folder of the pretrained networks of a task


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
