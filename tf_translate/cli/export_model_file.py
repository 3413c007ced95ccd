"""`tf-translate export MODEL.keras|MODEL.h5|SAVED_MODEL`: exports one network to a bundle."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tf_translate.cli.output import load_tensorflow, message_console, print_found
from tf_translate.config.data import Aspect
from tf_translate.errors import ConfigError

if TYPE_CHECKING:  # loads TensorFlow
    import keras

    from exporters import Calibration
    from tf_translate.layers.value_ranges import ImageRanges, Range

_GOLDEN_IMAGES = 4


@dataclass(frozen=True)
class ModelFileOptions:
    """What only a model file needs to be told.

    Attributes:
        input_range, output_range: Minimum and maximum value of its images; None to look at the
            first and last layers.
        size: Height and width for a network without fixed sides.
        aspect: How its images were brought to its size in training; None to assume stretch, which
            most code does.
    """

    input_range: "Range | None"
    output_range: "Range | None"
    size: tuple[int, int] | None
    aspect: str | None

    def check_unused(self) -> None:
        """Raises ConfigError if one of them is given for a run, which knows them."""
        for name, value in vars(self).items():
            if value is not None:
                raise ConfigError(
                    f"--{name.replace('_', '-')} is for a model file, and a run knows its own; "
                    "leave it out"
                )


def export_model_file(
    file: Path,
    bundle: Path,
    options: ModelFileOptions,
    *,
    recipes: Sequence[str],
    calibration: Path | None,
    optimize: bool,
    web: Sequence[Path] | None,
    license: str | None,
    saved_model: bool,
    intended_use: str | None,
    model_version: str,
    domain_names: tuple[str, str] | None,
) -> Path:
    """Exports the network of a file as the signature `a_to_b`; returns the bundle's path."""
    for name in ("input_range", "output_range"):
        _check_range(name, getattr(options, name))
    aspect = _aspect(options.aspect)
    load_tensorflow()
    import exporters
    from tf_translate.experiment.export import model_file

    golden: Mapping[str, Any] = {}
    examples: Calibration | None = None
    model = file if file.is_dir() else model_file.load_network(file, options.size)
    if isinstance(model, Path) or not model_file.maps_one_image(model):
        _refuse_calibration(recipes, calibration)
        signature = _other_signature(model, options)
    else:
        from tf_translate.layers.value_ranges import image_ranges

        ranges = image_ranges(model, options.input_range, options.output_range)
        _print_ranges(options, ranges)
        golden, examples = _images(model, ranges, aspect, recipes, calibration)
        signature = model_file.network_signature(model, ranges)
    if options.aspect is None:
        message_console().print(
            f"aspect assumed {aspect}: give --aspect letterbox or crop otherwise", soft_wrap=True
        )
    return exporters.export(
        {"a_to_b": signature},
        bundle,
        recipes=recipes,
        aspect=aspect,
        golden_images=golden,
        calibration=examples,
        source={
            "file": file.name,
            **({"intended_use": intended_use} if intended_use else {}),
            **({"domains": dict(zip("ab", domain_names, strict=True))} if domain_names else {}),
        },
        provenance={"license": license} if license else {},
        optimize=optimize,
        web=web,
        keep_saved_model=saved_model,
        model_version=model_version,
    )


def _other_signature(model: "keras.Model | Path", options: ModelFileOptions) -> Any:
    """The signature of a model that does not map one image to one; prints what is assumed."""
    from tf_translate.experiment.export.model_file import other_signature

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ranges = (options.input_range, options.output_range)
        signature = other_signature(model, options.size, ranges)
    for line in dict.fromkeys(str(each.message) for each in caught if _is_assumption(each)):
        message_console().print(
            line.partition(": give")[0] + ": give --input-range or --output-range otherwise",
            soft_wrap=True,
        )
    for kind, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        for tensor in tensors:
            limits = (
                "" if tensor.value_range is None else " in [{:g}, {:g}]".format(*tensor.value_range)
            )
            message_console().print(
                f"{kind} {tensor.name}: {tensor.dtype} {(1, *tensor.shape[1:])}{limits}",
                soft_wrap=True,
            )
    return signature


def _is_assumption(warning: warnings.WarningMessage) -> bool:
    return " assumed " in str(warning.message)


def _refuse_calibration(recipes: Sequence[str], folder: Path | None) -> None:
    """Raises ConfigError if examples are needed of inputs that a folder of images cannot give."""
    from exporters.convert.recipes import RECIPES

    calibrated = [name for name in recipes if name in RECIPES and RECIPES[name].calibrated]
    if calibrated or folder is not None:
        given = f"--recipe {calibrated[0]}" if calibrated else "--calibration"
        raise ConfigError(
            f"{given} needs a network from one image to one image: of this one give examples of "
            "every input in Python, exporters.export(..., calibration=exporters.Calibration(...))"
        )


def _aspect(given: str | None) -> Aspect:
    if given is None:
        return "stretch"
    if given not in get_args(Aspect):
        raise ConfigError(f"--aspect must be one of {', '.join(get_args(Aspect))}, got {given!r}")
    return given  # type: ignore[return-value]


def _check_range(name: str, limits: "Range | None") -> None:
    if limits is not None and not limits[0] < limits[1]:
        raise ConfigError(
            f"--{name.replace('_', '-')} must be a minimum and a larger maximum, such as 0 1, got "
            f"{limits[0]:g} {limits[1]:g}"
        )


def _print_ranges(options: ModelFileOptions, ranges: "ImageRanges") -> None:
    """Says where both value ranges come from, because a wrong one ruins every pixel."""
    for kind in ("input", "output"):
        low, high = getattr(ranges, kind)
        if kind in ranges.assumed:
            text = ranges.assumption(kind, "--{}-range {:g} {:g}")
        elif getattr(options, f"{kind}_range") is not None:
            text = f"{kind} range [{low:g}, {high:g}], as given"
        else:
            place = "first" if kind == "input" else "last"
            text = f"{kind} range [{low:g}, {high:g}], by the {place} layers"
        message_console().print(text, soft_wrap=True)


def _images(
    network: "keras.Model",
    ranges: "ImageRanges",
    aspect: Aspect,
    recipes: Sequence[str],
    folder: Path | None,
) -> tuple[Mapping[str, Any], "Calibration | None"]:
    """Golden images and calibration examples from a folder; none without one."""
    import exporters
    from exporters.inference.images import to_float
    from tf_translate.experiment.export.model_file import pixels_in

    if folder is None:
        return {}, None
    pixels = pixels_in(folder, network.input_shape[1:], aspect=aspect, report=print_found)
    chosen = exporters.pick_diverse_images(to_float(each) for each in pixels)
    golden = {"a_to_b": {"image": to_float(pixels[:_GOLDEN_IMAGES], ranges.input)}}
    if not any(
        name in exporters.RECIPES and exporters.RECIPES[name].calibrated for name in recipes
    ):
        return golden, None
    inputs = {"a_to_b": {"image": to_float(pixels[chosen], ranges.input)}}
    metadata = {"source": folder.name, "picker": "farthest colours and contrast", "seed": 0}
    return golden, exporters.Calibration(inputs, metadata)
