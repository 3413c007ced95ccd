"""What a card takes from the `source` and the `provenance` given to `export`, both plain data.

They may hold anything else too, which stays in the manifest alone.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from exporters.errors import ExportError


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Metric(_Facts):
    """One metric of an evaluation.

    Attributes:
        direction: What was measured: a signature, or a way to use one.
        name: Of the metric.
        value: What the model has.
        interval: Where the value lies with 95 % confidence.
        error: Its standard error.
        untouched: What handing the input back has.
        better: Which values are.
        meaning: What it says, in a sentence.
        protocol: How it was measured.
        step: Of training, when it was measured.
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


class Source(_Facts):
    """What was exported.

    Attributes:
        run: Its name.
        step: Of training.
        method: Name of the method.
        summary: What the model does, in a sentence or two.
        intended_use: What it is for, and what not.
        metrics: How well it does it.
        remarks: What must be known beside the metrics, in a sentence each.
    """

    run: str = ""
    step: int | None = None
    method: str = ""
    summary: str = ""
    intended_use: str = ""
    metrics: tuple[Metric, ...] = ()
    remarks: tuple[str, ...] = ()


class Provenance(_Facts):
    """What it was trained on.

    Attributes:
        data: Name or description of the training data.
        license: Under what terms the data may be used, and who made it.
    """

    data: str = ""
    license: str = ""


_F = TypeVar("_F", bound=_Facts)


def source_metadata(source: Mapping[str, Any]) -> Source:
    """What the card takes from `source`; ExportError if it is of another form."""
    return _read(Source, "source", source)


def provenance_metadata(provenance: Mapping[str, Any]) -> Provenance:
    """What the card takes from `provenance`; ExportError if it is of another form."""
    return _read(Provenance, "provenance", provenance)


def _read(kind: type[_F], argument: str, given: Mapping[str, Any]) -> _F:
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (argument, *first["loc"])))
        raise ExportError(
            f"`{place}`, which the card shows, cannot be read: {first['msg']}, "
            f"got {first['input']!r}"
        ) from error
