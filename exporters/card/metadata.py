"""The keys of `source` and `provenance`, the plain data passed to `export`, that a card shows.

Other keys are allowed; they are only stored in the manifest.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from exporters.errors import ExportError


class _CardData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Metric(_CardData):
    """One metric of an evaluation.

    Attributes:
        direction: What was evaluated: a signature, or a way to use one.
        name: Name of the metric.
        value: The model's value.
        interval: Its 95 % confidence interval.
        error: Its standard error.
        untouched: The value of the unchanged input, as a baseline.
        better: Whether higher or lower values are better.
        meaning: What it measures, in a sentence.
        protocol: How it was measured.
        step: The training step of the evaluated model.
    """

    direction: str
    name: str
    value: float
    interval: tuple[float, float] | None = None
    error: float | None = None
    untouched: float | None = None
    better: Literal["higher", "lower"] | None = None
    meaning: str = ""
    protocol: str = ""
    step: int | None = None


class Source(_CardData):
    """What was exported.

    Attributes:
        run: Name of the run.
        step: Its training step.
        method: Name of the method.
        summary: What the model does, in a sentence or two.
        intended_use: What it is for, and what it is not for.
        metrics: Metrics of its evaluation.
        remarks: Sentences on how to read the metrics.
        domains: What the domains show, such as `{"a": "horses", "b": "zebras"}`.
    """

    run: str = ""
    step: int | None = None
    method: str = ""
    summary: str = ""
    intended_use: str = ""
    metrics: tuple[Metric, ...] = ()
    remarks: tuple[str, ...] = ()
    domains: dict[str, str] = {}


class Provenance(_CardData):
    """What the model was trained on.

    Attributes:
        data: Name or description of the training data.
        license: The terms of use of the data, and its authors.
    """

    data: str = ""
    license: str = ""


_D = TypeVar("_D", bound=_CardData)


def source_metadata(source: Mapping[str, Any]) -> Source:
    """The keys of `source` that the card shows; ExportError if one is invalid."""
    return _read(Source, "source", source)


def provenance_metadata(provenance: Mapping[str, Any]) -> Provenance:
    """The keys of `provenance` that the card shows; ExportError if one is invalid."""
    return _read(Provenance, "provenance", provenance)


def _read(kind: type[_D], argument: str, content: Mapping[str, Any]) -> _D:
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, (argument, *first["loc"])))
        raise ExportError(
            f"`{key}`, which the card shows, cannot be read: {first['msg']}, got {first['input']!r}"
        ) from error
