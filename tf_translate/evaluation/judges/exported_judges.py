"""Judges exported with a model: which judges measure which signature, and their weights.

An evaluated run lists its judges in `judges/directions.json`. With this index they can be packed
as plain arrays and rebuilt elsewhere by this module. Loading runs no code from the files, and
needs neither the run nor its images.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tf_translate.atomic_files import write_text_atomically
from tf_translate.errors import DataError
from tf_translate.evaluation.judges import judges, networks
from tf_translate.evaluation.judges.judges import (
    ContentJudge,
    DomainJudge,
    Judges,
)
from tf_translate.keras_files.loading import load_keras_file

INDEX_FILE = "directions.json"
_KINDS = ("domain", "content")
_MIN_RETRIEVAL_IMAGES = 4  # with fewer images, retrieval@1 says little

# (file name, expected shape and dtype by array name) -> arrays by name.
ReadArrays = Callable[[str, Mapping[str, tuple[tuple[int, ...], str]]], Mapping[str, np.ndarray]]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class JudgeEntry(_Record):
    """The judges of one direction, and the outputs they measure.

    Attributes:
        signature: The signature that deploys the direction; its first input is the source.
        attributes: Values by label of its other inputs that select this direction
            (`{"glasses": 1}`).
        file_id: Part of the names of the judges' files.
        side: Height and width of the judges' input.
        target_is_second: As in `DomainJudge`.
    """

    signature: str
    attributes: dict[str, float] = {}
    file_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    side: Annotated[int, Field(ge=16, le=1024, multiple_of=16)]
    target_is_second: bool


class JudgeIndex(_Record):
    """Directions by name, and the protocol of their judges."""

    protocol: int
    directions: Annotated[dict[str, JudgeEntry], Field(max_length=1000)]


def entry_of(trained: Judges, signature: str, attributes: Mapping[str, float]) -> JudgeEntry:
    """Builds the index entry of trained judges; arguments as in `JudgeEntry`."""
    return JudgeEntry(
        signature=signature,
        attributes=dict(attributes),
        file_id=trained.file_id,
        side=trained.settings.side,
        target_is_second=trained.domain.target_is_second,
    )


def write_index(folder: Path, directions: Mapping[str, JudgeEntry]) -> None:
    """Writes the index beside the files of the judges, atomically."""
    index = JudgeIndex(protocol=judges.PROTOCOL, directions=dict(directions))
    write_text_atomically(folder / INDEX_FILE, index.model_dump_json(indent=2) + "\n")


def packed_files(folder: Path) -> dict[str, bytes]:
    """Packs saved judges into files for export: the index, and the weights as arrays.

    Args:
        folder: The run's `evaluation/judges`.

    Returns:
        Content by file name; empty if no evaluation saved judges there.

    Raises:
        DataError: If the index is broken or a judge is missing.
    """
    if not (folder / INDEX_FILE).is_file():
        return {}
    content = (folder / INDEX_FILE).read_bytes()
    files = {INDEX_FILE: content}
    for entry in read_index(content, folder / INDEX_FILE).directions.values():
        for kind in _KINDS:
            name = f"{kind}-{entry.file_id}"
            if f"{name}.npz" not in files:
                files[f"{name}.npz"] = _packed_weights(folder / f"{name}.keras")
    return files


def read_index(content: bytes, location: object) -> JudgeIndex:
    """Parses an index; error messages name its `location`.

    Raises:
        DataError: If it is broken or of another protocol.
    """
    try:
        index = JudgeIndex.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the document"
        raise DataError(f"{location} is no index of judges: {field}: {first['msg']}") from error
    if index.protocol != judges.PROTOCOL:
        raise DataError(
            f"{location} has judges of protocol {index.protocol}, this version supports "
            f"{judges.PROTOCOL}; evaluate the run and export it again"
        )
    return index


@dataclass(frozen=True)
class _LoadedEntry:
    entry: JudgeEntry
    domain: DomainJudge
    content: ContentJudge


class ExportedJudges:
    """Content and domain metrics for the outputs of a signature, on any runtime.

    Args:
        index: From `read_index`.
        read: Reads the arrays of a file of `packed_files`, by its name.
        labels: By signature and input, the label of each value, for inputs that have labels.
    """

    def __init__(
        self,
        index: JudgeIndex,
        read: ReadArrays,
        labels: Mapping[str, Mapping[str, tuple[str, ...]]],
    ) -> None:
        self._labels = labels
        networks: dict[str, keras.Model] = {}
        self._loaded: dict[str, _LoadedEntry] = {}
        for name, entry in index.directions.items():
            for kind in _KINDS:
                key = f"{kind}-{entry.file_id}"
                networks[key] = networks.get(key) or _rebuild(kind, entry.side, f"{key}.npz", read)
            self._loaded[name] = _LoadedEntry(
                entry,
                DomainJudge(
                    networks[f"domain-{entry.file_id}"],
                    side=entry.side,
                    target_is_second=entry.target_is_second,
                ),
                ContentJudge(networks[f"content-{entry.file_id}"], side=entry.side),
            )

    def __call__(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, np.ndarray],
    ) -> dict[str, tuple[float, int]]:
        """Computes metrics by name, each with the number of images it was computed on.

        For each direction: `content/similarity` (mean cosine similarity between the content
        features of output and source), `content/retrieval@1` from 4 images on,
        `domain/accuracy` (fraction classified as the target domain) and `domain/logit` (mean,
        positive for the target).

        Args:
            signature: Name of a float signature.
            inputs, outputs: Cases along the first axis, `(cases, 1, ...)`, images in [-1, 1].
        """
        sources, results = (next(iter(arrays.values())) for arrays in (inputs, outputs))
        metrics: dict[str, tuple[float, int]] = {}
        for name, loaded in self._loaded.items():
            if loaded.entry.signature != signature or results.ndim != 5:
                continue
            selected = self._cases_of(loaded.entry, inputs)
            if selected.any():
                values = _metrics(loaded, sources[selected, 0], results[selected, 0])
                count = int(selected.sum())
                metrics |= {f"{name} {key}": (value, count) for key, value in values.items()}
        return metrics

    def _cases_of(self, entry: JudgeEntry, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which cases have the attributes of the direction, bool `(cases,)`."""
        selected = np.ones(len(next(iter(inputs.values()))), bool)
        labels = self._labels.get(entry.signature, {})
        columns = {
            label: inputs[name].reshape(len(selected), -1)[:, index]
            for name, names in labels.items()
            for index, label in enumerate(names)
        }
        for label, value in entry.attributes.items():
            selected &= columns[label] == value if label in columns else False
        return selected


def _metrics(loaded: _LoadedEntry, sources: np.ndarray, results: np.ndarray) -> dict[str, float]:
    source_features = loaded.content.features(sources)
    features = loaded.content.features(results)
    logits = loaded.domain.logits(results)
    values = {
        "content/similarity": float(np.sum(features * source_features, axis=1).mean()),
        "domain/accuracy": float((logits > 0).mean()),
        "domain/logit": float(logits.mean()),
    }
    if len(sources) >= _MIN_RETRIEVAL_IMAGES:
        hits = judges.retrieval_hits(features, source_features)
        values["content/retrieval@1"] = float(hits.mean())
    return values


def _packed_weights(file: Path) -> bytes:
    try:
        network = load_keras_file(file, compile=False)
    except DataError as error:
        raise DataError(f"the judge {error}; evaluate the run again") from error
    buffer = io.BytesIO()
    arrays = {_key(index): weight for index, weight in enumerate(network.get_weights())}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _rebuild(kind: str, side: int, file: str, read: ReadArrays) -> keras.Model:
    build = {
        "domain": networks.domain_network,
        "content": networks.content_network,
    }[kind]
    network = build(side, seed=0)
    expected = {
        _key(index): (tuple(weight.shape), str(weight.dtype))
        for index, weight in enumerate(network.get_weights())
    }
    arrays = read(file, expected)
    network.set_weights([arrays[key] for key in expected])
    return network


def _key(index: int) -> str:
    return f"weight_{index:02d}"
