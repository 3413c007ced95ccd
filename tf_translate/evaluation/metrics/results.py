"""What an evaluation takes in and hands on: a direction of translation, and its report."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tf_translate.errors import DataError


@dataclass(frozen=True, eq=False)
class Direction:
    """One direction of translation on held-out images.

    Images are float32 `(n, h, w, c)` in [-1, 1]; channels and sizes may differ between domains.

    Attributes:
        name: For example "a_to_b".
        source, target: Real held-out images of both domains, at least 4 each.
        outputs: The translation of each source image, in its order.
        truth: The counterpart of each source image, in its order, or None where unknown.
        train_source, train_target: What methods and judges were trained on; held-out images
            that are among them are counted.
        source_labels, target_labels: Integer class of each held-out image, or None without;
            the classes are those of both domains.
        train_target_labels: The same of `train_target`, for the judge of labels.
        counterfactual: Whether the truth differs from the source in what was to be edited only.
        reconstruction: Whether source, target and truth are the same images, to be given back; then
            `train_source` are reconstructions of `train_target`, and the domain is "real".

    Raises:
        DataError: If there are too few held-out images.
        ValueError: If outputs or truth do not go with the source images, or labels not with
            theirs.
    """

    name: str
    source: np.ndarray
    target: np.ndarray
    outputs: np.ndarray
    truth: np.ndarray | None = None
    train_source: np.ndarray | None = None
    train_target: np.ndarray | None = None
    source_labels: np.ndarray | None = None
    target_labels: np.ndarray | None = None
    train_target_labels: np.ndarray | None = None
    counterfactual: bool = False
    reconstruction: bool = False

    def __post_init__(self):
        if min(len(self.source), len(self.target)) < 4:
            raise DataError(
                "evaluating needs at least 4 held-out images of each domain, but there are "
                f"{len(self.source)} and {len(self.target)}: add images to the test split"
            )
        for name in ("outputs", "truth"):
            images = getattr(self, name)
            if images is not None and len(images) != len(self.source):
                raise ValueError(
                    f"`{name}` must hold one image for each of the {len(self.source)} source "
                    f"images, got {len(images)}"
                )
        for name in ("source", "target", "train_target"):
            images, labels = getattr(self, name), getattr(self, f"{name}_labels")
            if labels is not None and (images is None or len(labels) != len(images)):
                count = 0 if images is None else len(images)
                raise ValueError(
                    f"`{name}_labels` must hold one label for each of the {count} images of "
                    f"`{name}`, got {len(labels)}"
                )

    def taught(self) -> tuple[np.ndarray, np.ndarray]:
        """Training images of both domains, for judges.

        Raises:
            ValueError: If the direction was made without.
        """
        if self.train_source is None or self.train_target is None:
            raise ValueError(f"direction {self.name} was made without training images")
        return self.train_source, self.train_target

    @property
    def has_labels(self) -> bool:
        """Whether there are labels, and of classes that the target's training images show."""
        if self.source_labels is None or self.target_labels is None:
            return False
        taught = () if self.train_target_labels is None else self.train_target_labels
        known = set(np.unique(taught))
        held_out = {*np.unique(self.source_labels), *np.unique(self.target_labels)}
        return len(known) > 1 and held_out <= known


@dataclass(frozen=True)
class Metric:
    """What a number is called, what it means and exactly how it is taken.

    Attributes:
        name: For example "content/retrieval@1".
        meaning: One plain sentence for people.
        protocol: Features, sizes, counts, seeds.
        higher_is_better: Which way is good.
    """

    name: str
    meaning: str
    protocol: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class Measured:
    """A number and, where known, how sure it is; a value of None could not be taken."""

    value: float | None
    interval: tuple[float, float] | None = None
    standard_error: float | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """Everything measured of one direction.

    Attributes:
        direction: What was measured, with its images.
        metrics: The metrics taken, in order.
        rows: Row name to metric name to number; the first row is the method's "output".
        references: Numbers to read others by: judges' own accuracies, KID's floor and ceiling.
        protocol: Split, counts, sizes, seeds and settings of judges.
        of_images: For each output: `found` (share of a hit), `similarity` (cosine to its
            source), with truth `l1`, and with labels `label_kept` (1 or 0); each `(n,)`.
    """

    direction: Direction
    metrics: tuple[Metric, ...]
    rows: dict[str, dict[str, Measured]]
    references: dict[str, Measured]
    protocol: dict[str, Any]
    of_images: dict[str, np.ndarray] = field(default_factory=dict)

    def value(self, row: str, metric: str) -> float | None:
        """Gives a number; None where the row has no such metric or it could not be taken."""
        measured = self.rows[row].get(metric)
        return None if measured is None else measured.value

    def as_dict(self) -> dict[str, Any]:
        """Gives what JSON can hold: rows of plain numbers, how sure they are, and protocols."""
        return {
            "rows": {row: _values(numbers) for row, numbers in self.rows.items()},
            "intervals_95": {row: _sureness(n, "interval") for row, n in self.rows.items()},
            "standard_errors": {
                row: _sureness(n, "standard_error") for row, n in self.rows.items()
            },
            "references": _values(self.references),
            "reference_standard_errors": _sureness(self.references, "standard_error"),
            "metrics": {
                metric.name: {
                    "meaning": metric.meaning,
                    "protocol": metric.protocol,
                    "better": "higher" if metric.higher_is_better else "lower",
                }
                for metric in self.metrics
            },
            "protocol": self.protocol,
        }


def measured(value: float, **sureness: Any) -> Measured:
    """Makes a number to report: one that is not finite becomes None."""
    return Measured(float(value), **sureness) if math.isfinite(value) else Measured(None)


def _values(numbers: dict[str, Measured]) -> dict[str, float | None]:
    return {name: number.value for name, number in numbers.items()}


def _sureness(numbers: dict[str, Measured], kind: str) -> dict[str, Any]:
    given = {name: getattr(number, kind) for name, number in numbers.items()}
    return {name: value for name, value in given.items() if value is not None}
