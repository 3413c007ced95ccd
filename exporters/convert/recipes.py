"""Recipes: how a model is converted, and how far its outputs may be from the original's.

A recipe is data. `exporters/convert/tflite.py` passes its settings to the converter,
`exporters/convert/quantize.py` its rules to the quantizer. `verify` checks every artifact
against its tolerances.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from exporters.arguments import check_each
from exporters.errors import ExportError

ROUNDING_FACTOR = 8.0


class Tolerance(BaseModel):
    """Limits on the difference between two outputs; a limit of None is not checked.

    Attributes:
        max_abs: Largest absolute difference. For uint8 in levels; for floats on the scale of
            an image in [-1, 1] (other ranges are scaled to a width of 2 first).
        mean_abs: Mean absolute difference, in the same units.
        psnr: Minimum peak signal-to-noise ratio in decibels; the peak is the range's width.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_abs: float | None = None
    mean_abs: float | None = None
    psnr: float | None = None

    def widened(self, factor: float) -> "Tolerance":
        """The tolerance for errors that may be `factor` times as large."""
        return Tolerance(
            max_abs=None if self.max_abs is None else factor * self.max_abs,
            mean_abs=None if self.mean_abs is None else factor * self.mean_abs,
            psnr=None if self.psnr is None else self.psnr - 20.0 * math.log10(factor),
        )

    def allowing_rounding(self, rounding_error: float) -> "Tolerance":
        """The tolerance of a function whose outputs in float32 differ so far from float64.

        A device sums in another order than TensorFlow, so it rounds otherwise. Its difference from
        TensorFlow was measured up to 5 times TensorFlow's own difference from float64, on twelve
        generators of the literature; `ROUNDING_FACTOR` leaves a margin.
        """
        if self.max_abs is None:
            return self
        allowed = max(self.max_abs, ROUNDING_FACTOR * rounding_error)
        return self.model_copy(update={"max_abs": allowed})


EVERYTHING = ("*",)
CONVOLUTIONS = ("CONV_2D", "CONV_2D_TRANSPOSE", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Rule:
    """How some operations compute. If several rules match an operation, the last one applies.

    Attributes:
        operations: Names of operations in the quantizer; `*` is all that it can quantize.
        activations: Bits of their activations, 8 or 16; None for float32.
        scope: `all`; `last_layers`, the last convolution before each image output; `pixels`, the
            operations that scale pixels in uint8 variants; or `constant`, those whose outputs had
            one value alone in all examples.
    """

    operations: tuple[str, ...]
    activations: int | None
    scope: Literal["all", "last_layers", "pixels", "constant"] = "all"


@dataclass(frozen=True)
class ConverterSettings:
    """Settings of the converter or the quantizer.

    Attributes:
        weights: Stored type of the weights: `float32`, `float16` or `int8`. Inputs and outputs
            always keep the signature's types.
        rules: Which operations compute in integers with ranges from calibration examples. All
            other operations compute in float32, and so do conversions at inputs and outputs.
    """

    weights: str
    rules: tuple[Rule, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON-able values, for the manifest."""
        rules = [{**asdict(rule), "operations": list(rule.operations)} for rule in self.rules]
        return {"weights": self.weights} | ({"rules": rules} if rules else {})


@dataclass(frozen=True)
class Recipe:
    """One way to convert a model.

    Attributes:
        name: Its name, and the stem of its file.
        description: One sentence that helps people choose.
        settings: Settings of the converter.
        float_tolerance: How far float outputs may be from the original's.
        uint8_tolerance: How far pixels may be from the original's.
    """

    name: str
    description: str
    settings: ConverterSettings
    float_tolerance: Tolerance
    uint8_tolerance: Tolerance

    @property
    def calibrated(self) -> bool:
        """Whether it needs calibration examples."""
        return bool(self.settings.rules)


_ALL = (
    Recipe(
        name="float32",
        description="Weights as trained; the reference on any processor.",
        settings=ConverterSettings(weights="float32"),
        # Kernels sum in another order than TensorFlow's; a wrong graph is off by far more.
        float_tolerance=Tolerance(max_abs=1e-4),
        # 1e-4 is 0.013 levels: rounding may change a level by one, never by two.
        uint8_tolerance=Tolerance(max_abs=1),
    ),
    Recipe(
        name="float16",
        description="Weights in half precision: half the size, suited to phone GPUs.",
        settings=ConverterSettings(weights="float16"),
        float_tolerance=Tolerance(psnr=50.0),
        # Rounding both sides to whole levels adds 1/6 level² to the 0.65 level² of 50 dB.
        uint8_tolerance=Tolerance(psnr=48.5),
    ),
    Recipe(
        name="dynamic_int8",
        description="Weights in 8 bits, activations quantized dynamically: a quarter of the "
        "size, often faster on processors that multiply integers.",
        settings=ConverterSettings(weights="int8"),
        # Measured about 34 dB on ResNet generators; below 28 dB errors are visible.
        float_tolerance=Tolerance(psnr=28.0),
        uint8_tolerance=Tolerance(psnr=28.0),
    ),
    Recipe(
        name="int8",
        description="Weights and activations in 8 bits with ranges from examples, for integer "
        "accelerators; conversions at inputs and outputs and unsupported operations stay float.",
        settings=ConverterSettings(
            weights="int8",
            rules=(
                Rule(EVERYTHING, activations=8),
                # With 255 levels a small divisor rounds to 0, which the kernel refuses.
                Rule(("DIV",), activations=None),
            ),
        ),
        # Measured 39 to 44 dB on held-out images, 37 to 45 on golden cases (ResNet with instance
        # norm, Fader). The limits are wide because values beyond the range of the examples are
        # clipped, also in seeded cases. A broken conversion (uint8 by TensorFlow) had 21 dB.
        float_tolerance=Tolerance(psnr=25.0),
        uint8_tolerance=Tolerance(psnr=25.0),
    ),
    Recipe(
        name="int8_float_norm",
        description="Convolutions in 8 bits with ranges from examples, normalization and the "
        "last layer in float32: closer to the original than int8.",
        settings=ConverterSettings(
            weights="int8",
            rules=(
                Rule(CONVOLUTIONS, activations=8),
                Rule(CONVOLUTIONS, activations=None, scope="last_layers"),
            ),
        ),
        # Measured 44 to 47 dB; 5 to 6 dB more than int8 with instance norm.
        float_tolerance=Tolerance(psnr=28.0),
        uint8_tolerance=Tolerance(psnr=28.0),
    ),
    Recipe(
        name="int16x8",
        description="Weights in 8 bits, activations in 16 with ranges from examples, additions "
        "in float32: the closest to the original, far slower without hardware support.",
        settings=ConverterSettings(
            weights="int8",
            rules=(
                Rule(EVERYTHING, activations=16),
                # If all scales are near powers of two, as those of images are (1/32767), the
                # int16 kernels of ADD and SUB use an older mode that refuses most scales.
                Rule(("ADD", "SUB"), activations=None),
            ),
        ),
        # Measured 52 to 55 dB.
        float_tolerance=Tolerance(psnr=34.0),
        uint8_tolerance=Tolerance(psnr=34.0),
    ),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})


def get_recipes(names: Sequence[str]) -> list[Recipe]:
    """Looks several recipes up.

    Raises:
        ExportError: If these are not one or more different names of recipes in a sequence.
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise ExportError(f"`recipes` must be one or more names in a sequence, got {names!r}")
    check_each("recipes", names, str, f"names of recipes ({', '.join(RECIPES)})")
    if len(set(names)) != len(names):
        raise ExportError(f"`recipes` must name each recipe once, got {list(names)}")
    return [get_recipe(name) for name in names]


def get_recipe(name: str) -> Recipe:
    """Looks a recipe up.

    Raises:
        ExportError: If there is none of that name; it suggests the most similar one.
    """
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(str(name), RECIPES, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ExportError(f"there is no recipe {name!r}; {hint}known are {', '.join(RECIPES)}")
