"""The schema of `manifest.json`, which is validated whenever a bundle is opened."""

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

from exporters.bundle.field_types import (
    Aspect,
    Data,
    DType,
    Interpolation,
    Label,
    Line,
    ModelPath,
    Name,
    RelativePath,
    Shape,
)
from exporters.convert.recipes import RECIPES, Tolerance
from exporters.errors import ExportError

FORMAT: Literal["image-model-bundle"] = "image-model-bundle"
FORMAT_VERSION = 2


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TensorRecord(_Record):
    """One named tensor.

    Attributes:
        shape: Static, with the batch first.
        value_range: Minimum and maximum value, None if unbounded. Images are scaled by it:
            level 0 of a pixel is the minimum, level 255 the maximum.
        labels: Names of the scalars along the last axis, in order; empty if they have none.
        default: The value to use when the caller passes none, one scalar per position along the
            last axis; None for outputs and for inputs that are required.
        meaning: What the tensor is, for people.
        range_is_typical: Whether values outside `value_range` are allowed too.
        interpolation: How images are resized to and from its size: "nearest" for label maps.
    """

    name: Name
    shape: Shape
    dtype: DType
    value_range: tuple[float, float] | None = None
    range_is_typical: bool = False
    labels: Annotated[tuple[Label, ...], Field(max_length=1000)] = ()
    default: Annotated[tuple[float, ...], Field(max_length=1000)] | None = None
    meaning: Line = ""
    interpolation: Interpolation = "bicubic"

    @field_validator("value_range")
    @classmethod
    def _ascends(cls, limits: tuple[float, float] | None) -> tuple[float, float] | None:
        if limits is not None and not 0 < limits[1] - limits[0] < math.inf:
            raise ValueError(f"it must be a minimum and a larger maximum, got {list(limits)}")
        return limits

    @field_validator("labels")
    @classmethod
    def _one_per_scalar(cls, labels: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        shape = info.data.get("shape")  # missing if the shape is invalid
        if labels and shape is not None and (not shape or shape[-1] != len(labels)):
            raise ValueError(
                f"there must be one for each scalar along the last axis of {list(shape)}, "
                f"got {len(labels)}"
            )
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise ValueError(f"labels must all be different, {twice[0]!r} is there twice")
        return labels

    @field_validator("default")
    @classmethod
    def _fits_shape_and_range(
        cls, default: tuple[float, ...] | None, info: ValidationInfo
    ) -> tuple[float, ...] | None:
        shape = info.data.get("shape")
        if default is None or shape is None:
            return default
        if not shape or len(default) != shape[-1]:
            raise ValueError(
                f"there must be one value for each scalar along the last axis of {list(shape)}, "
                f"got {len(default)}"
            )
        limits = None if info.data.get("range_is_typical") else info.data.get("value_range")
        low, high = limits or (-math.inf, math.inf)
        if not all(low <= value <= high for value in default):
            raise ValueError(f"every value must be in [{low}, {high}], got {list(default)}")
        return default

    @model_serializer(mode="wrap")
    def _omit_empty_fields(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = dump(self)
        empty = {
            "range_is_typical": not self.range_is_typical,
            "labels": not self.labels,
            "default": self.default is None,
            "meaning": not self.meaning,
            "interpolation": self.interpolation == "bicubic",
        }
        for name, is_empty in empty.items():
            if is_empty:
                del content[name]
        return content

    @property
    def width(self) -> float | None:
        """Width of the value range: 2 for [-1, 1], 255 for pixels, None if unbounded."""
        return None if self.value_range is None else self.value_range[1] - self.value_range[0]

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and largest allowed value; infinite if the range is no limit."""
        if self.value_range is None or self.range_is_typical:
            return -math.inf, math.inf
        return self.value_range


class SignatureRecord(_Record):
    """One callable function of the bundle.

    Attributes:
        inference_behavior: What layers such as dropout and normalization do at inference.
        pixels_of: For a uint8 variant the name of the float signature that it wraps.
        tolerance_factor: Multiplies the allowed errors of a recipe's tolerance.
        rounding_error: Largest difference of golden outputs from the same function in float64, on
            the scale of an image in [-1, 1]; 0 if it was not measured.
    """

    inputs: tuple[TensorRecord, ...] = Field(min_length=1, max_length=64)
    outputs: tuple[TensorRecord, ...] = Field(min_length=1, max_length=64)
    inference_behavior: dict[str, str] = {}
    pixels_of: Name | None = None
    tolerance_factor: float = Field(1.0, ge=1.0, le=100.0)
    rounding_error: float = Field(0.0, ge=0.0, le=5e-4)

    @model_serializer(mode="wrap")
    def _as_ever(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = dump(self)
        for name in ("tolerance_factor", "rounding_error"):
            if content[name] == type(self).model_fields[name].default:
                del content[name]
        return content

    @field_validator("inputs", "outputs")
    @classmethod
    def _named_once(cls, tensors: tuple[TensorRecord, ...]) -> tuple[TensorRecord, ...]:
        _check_once("tensor", [tensor.name for tensor in tensors])
        return tensors


class ArtifactRecord(_Record):
    """One converted form of the model: a SavedModel folder or a TensorFlow Lite file.

    Attributes:
        settings: Of the converter, and for calibrated recipes how examples were chosen.
        optimized: Whether the graph was rewritten for XNNPACK where that is faster.
        float_tolerance, uint8_tolerance: How far outputs may be from the original's.
    """

    kind: Literal["saved_model", "tflite"]
    path: ModelPath
    recipe: Name
    description: str = ""
    settings: Data = {}
    optimized: bool = False
    float_tolerance: Tolerance
    uint8_tolerance: Tolerance

    @field_validator("recipe")
    @classmethod
    def _is_known(cls, recipe: str) -> str:
        if recipe not in RECIPES:
            raise ValueError(f"there is no recipe {recipe!r}; known are {', '.join(RECIPES)}")
        return recipe

    def tolerance(self, signature: SignatureRecord, output: TensorRecord) -> Tolerance:
        """How far an output of a signature may be from the original's."""
        if output.dtype == "uint8":
            allowed = self.uint8_tolerance
        else:
            allowed = self.float_tolerance.allowing_rounding(signature.rounding_error)
        return allowed.widened(signature.tolerance_factor)


class GoldenRecord(_Record):
    """The path of the golden inputs and outputs, and how many cases each signature has."""

    path: RelativePath
    cases: dict[Name, Annotated[int, Field(ge=1, le=64)]]
    seed: int


class FileRecord(_Record):
    """The expected hash of a file and its size in bytes."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class LatencyRecord(_Record):
    """How long one call took on one machine.

    Attributes:
        machine: Name of its processor and number of cores.
        runtime: Name and version of the runtime.
        date: Such as 2026-11-26.
        recipe, signature: Which file and signature were called.
        threads: Processor threads.
        runs: Timed calls, not counting a first one.
        median_ms, p90_ms: Median and 90th percentile of the timed calls in milliseconds.
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
    """The content of `manifest.json`; `digest` is the hash of everything else in it.

    Attributes:
        aspect: How images of any size were brought to the size of the model in training, and are
            to be when it is used; see `exporters.inference.aspect`.
        model_version: The version of the model that apps compare, such as "1.2.0"; empty if none
            was stated.
    """

    format: Literal["image-model-bundle"] = FORMAT
    format_version: int = FORMAT_VERSION
    created: str
    model_version: Line = ""
    aspect: Aspect
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
    def _omit_empty_fields(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = dump(self)
        for name in ("model_version", "latency"):
            if not content.get(name):
                content.pop(name, None)
        return content

    @model_validator(mode="after")
    def _is_consistent(self) -> "Manifest":
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
                    f"`latency` names signature {row.signature!r} with recipe {row.recipe!r}, "
                    "which is not in the bundle"
                )
        return self

    def files_of(self, artifact: str) -> list[str]:
        """Paths of all files of an artifact."""
        path = self.artifacts[artifact].path
        return [name for name in self.files if name == path or name.startswith(path + "/")]

    def with_digest(self) -> "Manifest":
        """A copy of the manifest with its `digest` computed."""
        return self.model_copy(update={"digest": self.expected_digest()})

    def expected_digest(self) -> str:
        """The sha256 of the content without `digest`, keys sorted."""
        content = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def get_signature(signatures: Mapping[str, SignatureRecord], name: str) -> SignatureRecord:
    """Looks a signature up; ExportError if there is none of that name."""
    if not isinstance(name, str) or name not in signatures:
        raise ExportError(f"there is no signature {name!r}; known are {', '.join(signatures)}")
    return signatures[name]


def _check_once(what: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the {what} {twice[0]!r} is there twice")
