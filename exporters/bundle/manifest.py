"""The form of `manifest.json`: everything a bundle says about itself, checked when read."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from exporters.bundle.field_types import Data, DType, Label, Line, Name, RelativePath, Shape
from exporters.convert.recipes import RECIPES, Tolerance
from exporters.errors import ExportError

FORMAT: Literal["image-model-bundle"] = "image-model-bundle"
FORMAT_VERSION = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TensorRecord(_Record):
    """One named tensor.

    Attributes:
        shape: Static, with the batch first.
        value_range: Least and greatest value, None if unbounded.
        labels: Names of the numbers along the last axis, in order; empty without.
        default: What to feed where nobody chose, a number for each along the last axis; None
            where it must be given, and for outputs.
        meaning: What it is, for people.
    """

    name: Name
    shape: Shape
    dtype: DType
    value_range: tuple[float, float] | None = None
    labels: Annotated[tuple[Label, ...], Field(max_length=1000)] = ()
    default: Annotated[tuple[float, ...], Field(max_length=1000)] | None = None
    meaning: Line = ""

    @field_validator("labels")
    @classmethod
    def _one_a_number(cls, labels: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        shape = info.data.get("shape")  # missing if it was refused itself
        if labels and shape is not None and (not shape or shape[-1] != len(labels)):
            raise ValueError(
                f"there must be one for each number along the last axis of {list(shape)}, "
                f"got {len(labels)}"
            )
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise ValueError(f"labels must all be different, {twice[0]!r} is there twice")
        return labels

    @field_validator("default")
    @classmethod
    def _can_be_fed(
        cls, default: tuple[float, ...] | None, info: ValidationInfo
    ) -> tuple[float, ...] | None:
        shape = info.data.get("shape")
        if default is None or shape is None:
            return default
        if not shape or len(default) != shape[-1]:
            raise ValueError(
                f"there must be a number for each along the last axis of {list(shape)}, "
                f"got {len(default)}"
            )
        low, high = info.data.get("value_range") or (-math.inf, math.inf)
        if not all(low <= number <= high for number in default):
            raise ValueError(f"every number must be in [{low}, {high}], got {list(default)}")
        return default

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Bundles from before there was any keep their digest, which is taken over this form.
        content = whole(self)
        empty = {"labels": not self.labels, "default": self.default is None}
        for name, gone in {**empty, "meaning": not self.meaning}.items():
            if gone:
                del content[name]
        return content

    @property
    def width(self) -> float | None:
        """Width of the value range: 2 for [-1, 1], 255 for pixels, None if unbounded."""
        return None if self.value_range is None else self.value_range[1] - self.value_range[0]


class SignatureRecord(_Record):
    """One callable function of the bundle.

    Attributes:
        pixels_of: For a uint8 variant the name of the float signature it wraps.
        tolerance_factor: How many times as far as a recipe's tolerance its outputs may be off.
    """

    inputs: tuple[TensorRecord, ...] = Field(min_length=1, max_length=64)
    outputs: tuple[TensorRecord, ...] = Field(min_length=1, max_length=64)
    inference_behavior: dict[str, str] = {}
    pixels_of: Name | None = None
    tolerance_factor: float = Field(1.0, ge=1.0, le=100.0)

    @model_serializer(mode="wrap")
    def _as_ever(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Bundles from before there was any keep their digest, which is taken over this form.
        given = dump(self)
        if given["tolerance_factor"] == 1.0:
            del given["tolerance_factor"]
        return given

    @field_validator("inputs", "outputs")
    @classmethod
    def _named_once(cls, tensors: tuple[TensorRecord, ...]) -> tuple[TensorRecord, ...]:
        _check_once("tensor", [tensor.name for tensor in tensors])
        return tensors


class ArtifactRecord(_Record):
    """One converted form of the model: a SavedModel folder or a TensorFlow Lite file."""

    kind: Literal["saved_model", "tflite"]
    path: RelativePath
    recipe: Name
    description: str = ""
    settings: Data = {}
    float_tolerance: Tolerance
    uint8_tolerance: Tolerance

    @field_validator("recipe")
    @classmethod
    def _known(cls, recipe: str) -> str:
        if recipe not in RECIPES:
            raise ValueError(f"there is no recipe {recipe!r}; known are {', '.join(RECIPES)}")
        return recipe


class GoldenRecord(_Record):
    """Where the golden inputs and outputs are, and how many cases each signature has."""

    path: RelativePath
    cases: dict[Name, Annotated[int, Field(ge=1, le=64)]]
    seed: int


class FileRecord(_Record):
    """What a file must be: its hash and its size in bytes."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class LatencyRecord(_Record):
    """How long one call took on one machine.

    Attributes:
        machine: Its processor and how many it has, in words.
        runtime: What ran the file, with its version.
        date: As 2026-11-26.
        recipe, signature: What was called.
        threads: Of the processor.
        runs: Timed calls after a first one.
        median_ms, p90_ms: Milliseconds over them.
    """

    machine: Line
    runtime: Line
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    recipe: Name
    signature: Name
    threads: int = Field(ge=1)
    runs: int = Field(ge=1)
    median_ms: float = Field(gt=0)
    p90_ms: float = Field(gt=0)


class Manifest(_Record):
    """All of `manifest.json`; `digest` is the hash of everything else in it."""

    format: Literal["image-model-bundle"] = FORMAT
    format_version: int = FORMAT_VERSION
    created: str
    signatures: dict[Name, SignatureRecord] = Field(min_length=1)
    artifacts: dict[Name, ArtifactRecord] = Field(min_length=1)
    golden: GoldenRecord
    files: dict[RelativePath, FileRecord]
    versions: dict[str, str] = {}
    source: Data = {}
    provenance: Data = {}
    latency: Annotated[tuple[LatencyRecord, ...], Field(max_length=10_000)] = ()
    digest: str = ""

    @model_serializer(mode="wrap")
    def _without_latency(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Bundles that were never timed have the digest that they had before any could be.
        content = dump(self)
        if not content.get("latency"):
            content.pop("latency", None)
        return content

    @model_validator(mode="after")
    def _hangs_together(self) -> "Manifest":
        if self.golden.path not in self.files:
            raise ValueError(f"`files` does not list {self.golden.path!r}")
        if set(self.golden.cases) != set(self.signatures):
            raise ValueError("`golden.cases` must count the cases of every signature")
        _check_once("path", [artifact.path for artifact in self.artifacts.values()])
        converted = [each for each in self.artifacts.values() if each.kind == "tflite"]
        _check_once("recipe", [artifact.recipe for artifact in converted])
        for name, artifact in self.artifacts.items():
            if not self.files_of(name):
                raise ValueError(f"`files` does not list {artifact.path!r}")
        for name, signature in self.signatures.items():
            if signature.pixels_of is not None and signature.pixels_of not in self.signatures:
                raise ValueError(f"signature {name!r} wraps an unknown {signature.pixels_of!r}")
        recipes = {artifact.recipe for artifact in converted}
        for row in self.latency:
            if row.recipe not in recipes or row.signature not in self.signatures:
                raise ValueError(
                    f"`latency` is of {row.signature!r} by {row.recipe!r}, not in the bundle"
                )
        return self

    def files_of(self, artifact: str) -> list[str]:
        """Paths of the files that make up an artifact."""
        path = self.artifacts[artifact].path
        return [name for name in self.files if name == path or name.startswith(path + "/")]

    def with_digest(self) -> "Manifest":
        """The same manifest with its `digest` filled in."""
        return self.model_copy(update={"digest": self.expected_digest()})

    def expected_digest(self) -> str:
        """sha256 of the content without `digest`, keys sorted."""
        content = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def signature_named(signatures: Mapping[str, SignatureRecord], name: str) -> SignatureRecord:
    """What a signature takes and gives; ExportError if there is none of that name."""
    if name not in signatures:
        raise ExportError(f"there is no signature {name!r}; known are {', '.join(signatures)}")
    return signatures[name]


def _check_once(what: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the {what} {twice[0]!r} is there twice")
