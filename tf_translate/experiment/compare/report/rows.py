"""What the report shows of a task: methods and fixed rows with their values, and all of a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tf_translate.experiment.compare import parts
from tf_translate.experiment.compare.cells.cell_images import KeptImage
from tf_translate.experiment.compare.differences import Difference
from tf_translate.experiment.compare.parts import COMPLETENESS
from tf_translate.experiment.compare.prepare import OwnSettings
from tf_translate.experiment.compare.report.agreement import Agreement


@dataclass(frozen=True)
class Value:
    """A metric of a method.

    Attributes:
        mean: Over seeds.
        range: Least and largest over seeds.
        seeds: Number of seeds that have it.
        interval: Of 95 % over held-out images, at the seeds that there are; None if unknown.
    """

    mean: float
    range: tuple[float, float]
    seeds: int
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """A method, or a fixed row.

    Attributes:
        name: In the task.
        title: For people.
        values: By metric, those of `evaluate`.
        content, domain: On their scales from 0 to 1; None where undefined.
        points: Content and domain of each seed.
        other_domains: The domain by features that were learned elsewhere, by network.
    """

    name: str
    title: str
    values: Mapping[str, Value]
    content: Value | None
    domain: Value | None
    points: tuple[parts.Parts, ...]
    other_domains: Mapping[str, Value] = field(default_factory=dict)

    @property
    def completeness(self) -> Value | None:
        """Its completeness; None where undefined."""
        return self.values.get(COMPLETENESS)


@dataclass(frozen=True, eq=False)
class MethodRow(Row):
    """A method of the task.

    Attributes:
        paper, keeps, reaches: From the registry, or of a variant from the task; empty if neither
            says it.
        shown: What it is shown, in words.
        uses: Supervision.
        settings: Its preset, and what the task changes of it.
        cells: Records of its cells, by seed.
        minutes, steps: Of training.
        step_seconds: Of a step, where methods were timed before training.
        cost: From `costs.json`; None if it was not measured.
    """

    paper: str = ""
    keeps: str = ""
    reaches: str = ""
    shown: str = ""
    uses: tuple[str, ...] = ()
    settings: OwnSettings = field(default_factory=OwnSettings)
    cells: tuple[Mapping[str, Any], ...] = ()
    minutes: Value | None = None
    steps: Value | None = None
    step_seconds: float | None = None
    cost: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class TaskSummary:
    """All that the report says of a task.

    Attributes:
        name, title: Of the task.
        about: Title, data and what is not applicable; None for an unknown task of an old folder.
        methods: Most complete first.
        fixed: Rows that do not depend on a method.
        better: "higher" or "lower" by metric.
        differences: Of completeness, errors and classes kept, by metric and pair of methods.
        agreements: Rank correlations of metrics over all cells.
        images: Kept images of one cell of each method that has some; all of the same seed where
            the methods share one.
        score_name: What best, median and worst go by.
        costs: `costs.json` of the task, or None.
        notes: Limits of what the values say, and what is missing or unequal; a sentence each.
    """

    name: str
    title: str
    about: Mapping[str, Any] | None
    methods: tuple[MethodRow, ...]
    fixed: tuple[Row, ...]
    better: Mapping[str, str]
    differences: Mapping[str, Mapping[tuple[str, str], Difference]]
    agreements: Sequence[Agreement]
    images: Mapping[str, Sequence[KeptImage]]
    image_seeds: Mapping[str, int]
    score_name: str
    costs: Mapping[str, Any] | None
    notes: tuple[str, ...] = field(default=())

    @property
    def cells(self) -> list[Mapping[str, Any]]:
        """Records of all cells."""
        return [cell for method in self.methods for cell in method.cells]
