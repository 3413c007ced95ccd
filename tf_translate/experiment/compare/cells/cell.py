"""A cell of a comparison: a method and a seed, their settings, folder and commands.

A cell may be an ablation: the method without one of its loss terms, see `ablations.py`.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_translate.experiment.compare.ablations import Ablation
from tf_translate.experiment.eval_sets.latent_edits import PAINTED
from tf_translate.experiment.eval_sets.reconstructions import RECONSTRUCT
from tf_translate.methods import registry


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
