"""Judges that go along with a model: which one belongs to which signature, and their weights.

An evaluated run says in `judges/directions.json` which judges measured what. From there they
can be packed as plain arrays, to be rebuilt elsewhere by this code: nothing in such a file is
run, and whoever measures with them needs neither the run nor its images.
"""

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tf_translate.errors import DataError
from tf_translate.evaluation.judges import judges, networks
from tf_translate.evaluation.judges.judges import (
    ContentJudge,
    DomainJudge,
    Judges,
)

NOTE = "directions.json"
_KINDS = ("domain", "content")
_FEWEST = 4  # images among which looking for one's own source says anything

# Shapes and types by name of what a file of arrays must hold -> its arrays.
ReadArrays = Callable[[str, Mapping[str, tuple[tuple[int, ...], str]]], Mapping[str, np.ndarray]]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class JudgedDirection(_Record):
    """What judges of one direction measure.

    Attributes:
        signature: Whose outputs; its first input is what is translated.
        asks: Numbers by label of its other inputs that make it this direction (`{"glasses": 1}`).
        kept_as: What the judges' files are called after.
        side: Side of the images they see.
        target_is_second: As `DomainJudge` takes it.
    """

    signature: str
    asks: dict[str, float] = {}
    kept_as: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    side: Annotated[int, Field(ge=16, le=1024, multiple_of=16)]
    target_is_second: bool


class JudgeNote(_Record):
    """Directions by name, and the protocol of their judges."""

    protocol: int
    directions: Annotated[dict[str, JudgedDirection], Field(max_length=1000)]


def described(found: Judges, signature: str, asks: Mapping[str, float]) -> JudgedDirection:
    """Says what judges measure; arguments as in `JudgedDirection`."""
    return JudgedDirection(
        signature=signature,
        asks=dict(asks),
        kept_as=found.kept_as,
        side=found.settings.side,
        target_is_second=found.domain.target_is_second,
    )


def write_note(folder: Path, directions: Mapping[str, JudgedDirection]) -> None:
    """Writes beside kept judges what they measure, whole or not at all."""
    note = JudgeNote(protocol=judges.PROTOCOL, directions=dict(directions))
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{NOTE}.{os.getpid()}"
    unfinished.write_text(note.model_dump_json(indent=2) + "\n")
    unfinished.replace(folder / NOTE)


def packed(folder: Path) -> dict[str, bytes]:
    """Kept judges as files to carry: the note, and weights as arrays.

    Args:
        folder: The run's `evaluation/judges`.

    Returns:
        Content by file name; empty where no evaluation left judges there.

    Raises:
        DataError: If the note is broken or a judge is missing.
    """
    if not (folder / NOTE).is_file():
        return {}
    content = (folder / NOTE).read_bytes()
    files = {NOTE: content}
    for direction in read_note(content, folder / NOTE).directions.values():
        for kind in _KINDS:
            name = f"{kind}-{direction.kept_as}"
            if f"{name}.npz" not in files:
                files[f"{name}.npz"] = _weights(folder / f"{name}.keras")
    return files


def read_note(content: bytes, place: object) -> JudgeNote:
    """Reads a note from wherever it was carried to; `place` is what errors call it.

    Raises:
        DataError: If it is broken or of another protocol.
    """
    try:
        note = JudgeNote.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise DataError(f"{place} does not say what judges measure: {where}: {first['msg']}") from (
            error
        )
    if note.protocol != judges.PROTOCOL:
        raise DataError(
            f"{place} is of judges' protocol {note.protocol} and this version knows "
            f"{judges.PROTOCOL}; evaluate the run and export it again"
        )
    return note


@dataclass(frozen=True)
class _Carried:
    direction: JudgedDirection
    domain: DomainJudge
    content: ContentJudge


class CarriedJudges:
    """Metrics of content and of domain for what a signature gave, wherever it ran.

    Args:
        note: From `read_note`.
        read: Gives the arrays of a file that `packed` made, by its name.
        labels: For each signature and input the labels of its numbers, where it has any.
    """

    def __init__(
        self,
        note: JudgeNote,
        read: ReadArrays,
        labels: Mapping[str, Mapping[str, tuple[str, ...]]],
    ) -> None:
        self._labels = labels
        networks: dict[str, keras.Model] = {}
        self._carried: dict[str, _Carried] = {}
        for name, each in note.directions.items():
            for kind in _KINDS:
                key = f"{kind}-{each.kept_as}"
                networks[key] = networks.get(key) or _rebuilt(kind, each.side, f"{key}.npz", read)
            self._carried[name] = _Carried(
                each,
                DomainJudge(
                    networks[f"domain-{each.kept_as}"],
                    side=each.side,
                    target_is_second=each.target_is_second,
                ),
                ContentJudge(networks[f"content-{each.kept_as}"], side=each.side),
            )

    def __call__(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, np.ndarray],
    ) -> dict[str, tuple[float, int]]:
        """Gives metrics by name, each with the number of images it was taken on.

        For each direction `content/similarity` (mean cosine of the content features of output
        and source), `content/retrieval@1` from 4 images on, `domain/accuracy` (share taken
        for the target) and `domain/logit` (mean, above 0 for the target).

        Args:
            signature: Name of a float signature.
            inputs, outputs: Cases stacked in front, `(cases, 1, ...)`, images in [-1, 1].
        """
        sources, results = (next(iter(arrays.values())) for arrays in (inputs, outputs))
        metrics: dict[str, tuple[float, int]] = {}
        for name, carried in self._carried.items():
            if carried.direction.signature != signature or results.ndim != 5:
                continue
            chosen = self._asked(carried.direction, inputs)
            if chosen.any():
                taken = _metrics(carried, sources[chosen, 0], results[chosen, 0])
                count = int(chosen.sum())
                metrics |= {f"{name} {key}": (value, count) for key, value in taken.items()}
        return metrics

    def _asked(self, direction: JudgedDirection, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which cases ask for the direction, bool `(cases,)`."""
        chosen = np.ones(len(next(iter(inputs.values()))), bool)
        labels = self._labels.get(direction.signature, {})
        numbers = {
            label: inputs[name].reshape(len(chosen), -1)[:, column]
            for name, columns in labels.items()
            for column, label in enumerate(columns)
        }
        for label, value in direction.asks.items():
            chosen &= numbers[label] == value if label in numbers else False
        return chosen


def _metrics(carried: _Carried, sources: np.ndarray, results: np.ndarray) -> dict[str, float]:
    looked_for, features = carried.content.features(sources), carried.content.features(results)
    logits = carried.domain.logits(results)
    found = {
        "content/similarity": float(np.sum(features * looked_for, axis=1).mean()),
        "domain/accuracy": float((logits > 0).mean()),
        "domain/logit": float(logits.mean()),
    }
    if len(sources) >= _FEWEST:
        found["content/retrieval@1"] = float(judges.retrieved(features, looked_for).mean())
    return found


def _weights(file: Path) -> bytes:
    try:
        network = keras.saving.load_model(file, compile=False)
    except (OSError, ValueError) as error:
        raise DataError(f"the judge {file} cannot be read; evaluate the run again") from error
    buffer = io.BytesIO()
    arrays = {_key(place): weight for place, weight in enumerate(network.get_weights())}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _rebuilt(kind: str, side: int, file: str, read: ReadArrays) -> keras.Model:
    build = {
        "domain": networks.domain_network,
        "content": networks.content_network,
    }[kind]
    network = build(side, seed=0)
    forms = {
        _key(place): (tuple(weight.shape), str(weight.dtype))
        for place, weight in enumerate(network.get_weights())
    }
    arrays = read(file, forms)
    network.set_weights([arrays[key] for key in forms])
    return network


def _key(place: int) -> str:
    return f"weight_{place:02d}"
