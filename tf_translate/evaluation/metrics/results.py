"""The input and output of an evaluation: a direction of translation, and its report."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tf_translate.errors import DataError

# Keys of the protocol of a direction.
HELD_OUT_SOURCES = "held-out source images"
HELD_OUT_TARGETS = "held-out target images"
TRAINING_OVERLAP = "held-out images that are also training images"


@dataclass(frozen=True, eq=False)
class Direction:
    """One direction of translation on held-out images.

    Images are float32 `(n, h, w, c)` in [-1, 1]; channels and sizes may differ between domains.

    Attributes:
        name: For example "a_to_b".
        source, target: Real held-out images of both domains, at least 4 each.
        outputs: The translation of each source image, in its order.
        truth: The ground truth of each source image, in its order, or None if unknown.
        train_source, train_target: The training images of methods and judges. Held-out images
            that also occur there are counted.
        source_labels, target_labels: Integer class of each held-out image, or None without
            labels. Both domains share the classes.
        train_target_labels: The labels of `train_target`, for the label judge.
        counterfactual: Whether the truth differs from the source in the edited attribute only.
        reconstruction: Whether the outputs are reconstructions: source, target and truth are then
            the same images, `train_source` are reconstructions of `train_target`, and the
            target domain is "real".

    Raises:
        DataError: If there are too few held-out images.
        ValueError: If the number of outputs, truths or labels does not match the images.
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

    def training_images(self) -> tuple[np.ndarray, np.ndarray]:
        """The training images of both domains, for judges.

        Raises:
            ValueError: If the direction has none.
        """
        if self.train_source is None or self.train_target is None:
            raise ValueError(f"direction {self.name} has no training images")
        return self.train_source, self.train_target

    @property
    def has_labels(self) -> bool:
        """Whether there are labels, all of classes that occur in the target's training images."""
        if self.source_labels is None or self.target_labels is None:
            return False
        training = () if self.train_target_labels is None else self.train_target_labels
        known = set(np.unique(training))
        held_out = {*np.unique(self.source_labels), *np.unique(self.target_labels)}
        return len(known) > 1 and held_out <= known


@dataclass(frozen=True)
class Metric:
    """The definition of a metric: name, meaning and exact protocol.

    Attributes:
        name: For example "content/retrieval@1".
        meaning: One plain sentence for people.
        protocol: Features, sizes, counts, seeds.
        higher_is_better: Whether larger values are better.
    """

    name: str
    meaning: str
    protocol: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class MetricValue:
    """A value with its confidence interval or standard error, if known; None is undefined."""

    value: float | None
    interval: tuple[float, float] | None = None
    standard_error: float | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """All results of one direction.

    Attributes:
        direction: The direction, with its images.
        metrics: The definitions of the metrics, in order.
        results: "output", the method's, and each baseline to metric name to value.
        reference_values: Values for comparison: the judges' own accuracies, and the KID between
            halves of the target set (floor) and between source and target (ceiling).
        protocol: Split, counts, sizes, seeds and settings of judges.
        per_image: For each output: `retrieved` (1, 0 or a fraction for a tie), `similarity`
            (cosine similarity to its source), `margin`, `reciprocal_rank`, `in_target` (1 or 0),
            with ground truth `l1`, for edits with exact truth `l1_inside_edit` and
            `l1_outside_edit` (NaN where the truth changes nothing, or everything), and with
            labels `label_kept` (1 or 0); each `(n,)`.
    """

    direction: Direction
    metrics: tuple[Metric, ...]
    results: dict[str, dict[str, MetricValue]]
    reference_values: dict[str, MetricValue]
    protocol: dict[str, Any]
    per_image: dict[str, np.ndarray] = field(default_factory=dict)

    def value(self, name: str, metric: str) -> float | None:
        """Looks up a value of "output" or a baseline; None if it is absent or undefined."""
        found = self.results[name].get(metric)
        return None if found is None else found.value

    def as_dict(self) -> dict[str, Any]:
        """Converts to JSON values: results, their uncertainty, and protocols."""
        return {
            "results": {name: _plain(values) for name, values in self.results.items()},
            "confidence_intervals_95": {
                name: _uncertainty(values, "interval") for name, values in self.results.items()
            },
            "standard_errors": {
                name: _uncertainty(values, "standard_error")
                for name, values in self.results.items()
            },
            "reference_values": _plain(self.reference_values),
            "reference_standard_errors": _uncertainty(self.reference_values, "standard_error"),
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


def metric_value(value: float, **uncertainty: Any) -> MetricValue:
    """Builds a value to report; a value that is not finite becomes None."""
    return MetricValue(float(value), **uncertainty) if math.isfinite(value) else MetricValue(None)


def _plain(values: dict[str, MetricValue]) -> dict[str, float | None]:
    return {name: each.value for name, each in values.items()}


def _uncertainty(values: dict[str, MetricValue], kind: str) -> dict[str, Any]:
    known = {name: getattr(each, kind) for name, each in values.items()}
    return {name: value for name, value in known.items() if value is not None}
