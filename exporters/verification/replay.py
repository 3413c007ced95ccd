"""Replays a bundle: runs each artifact on golden cases and on further images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exporters.arguments import check_each
from exporters.bundle.bundle import Bundle
from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import Manifest, SignatureRecord, TensorRecord
from exporters.bundle.signatures import PIXEL_RANGE, is_image, is_pixels
from exporters.errors import BundleError, ExportError
from exporters.inference.aspect import onto_canvas
from exporters.inference.images import rescale, to_float
from exporters.verification import golden
from exporters.verification.artifact_runs import Run
from exporters.verification.golden import Arrays, Golden

# Images of any size: for all signatures, or by signature name.
Images = Sequence[np.ndarray] | Mapping[str, Sequence[np.ndarray]]


class DamagedError(BundleError):
    """Files of an artifact were changed after export; its text names them."""


def replayed(run: Run, signature: str, record: SignatureRecord, cases: Golden) -> Arrays:
    """Runs a signature on every case.

    Returns:
        An array `(cases, *shape)` for each output of the record.

    Raises:
        ExportError: If an output has another shape or type than the golden one.
    """
    outputs = [run(signature, inputs) for inputs, _ in cases.cases()]
    stacked = {}
    for tensor in record.outputs:
        values = np.stack([np.asarray(case[tensor.name]) for case in outputs])
        expected = cases.outputs[tensor.name]
        if values.shape != expected.shape or values.dtype != expected.dtype:
            raise ExportError(
                f"output {tensor.name!r} of {signature!r} is {values.dtype} {values.shape}, "
                f"golden is {expected.dtype} {expected.shape}"
            )
        stacked[tensor.name] = values
    return stacked


def held_out(cases: Golden) -> Golden | None:
    """The golden cases from examples, without the seeded ones; None if there are none."""
    if cases.count <= golden.SEEDED_CASES:
        return None
    examples = slice(golden.SEEDED_CASES, None)
    return Golden(
        {name: values[examples] for name, values in cases.inputs.items()},
        {name: values[examples] for name, values in cases.outputs.items()},
    )


def by_signature(manifest: Manifest, images: Images) -> dict[str, Sequence[np.ndarray]]:
    """The images for each float signature with image inputs.

    Args:
        manifest: The bundle's manifest.
        images: Images for all signatures, or by signature name.

    Raises:
        ExportError: If a named signature takes no images, or none with the channels it is given.
    """
    channels = {
        name: {tensor.shape[-1] for tensor in record.inputs if is_image(tensor)}
        for name, record in manifest.signatures.items()
        if record.pixels_of is None and any(is_image(tensor) for tensor in record.inputs)
    }
    if not isinstance(images, Mapping):
        return dict.fromkeys(channels, images)
    for name, of_signature in images.items():
        if name not in channels:
            known = ", ".join(channels) or "none"
            raise ExportError(
                f"`images` names {name!r}, and the signatures that take images are {known}"
            )
        if missing := channels[name] - {each.shape[-1] for each in of_signature}:
            raise ExportError(
                f"`images` must hold images of {min(missing)} channels for {name!r}, got "
                f"{len(of_signature)} images with other numbers of channels"
            )
    return dict(images)


def check_images(images: Any) -> None:
    """Raises ExportError unless it holds images, or a mapping to such for signatures."""
    what = "uint8 arrays of shape (height, width, channels)"
    for each in images.values() if isinstance(images, Mapping) else [images]:
        check_each("images", each, np.ndarray, what)
        for image in each:
            if image.ndim != 3 or image.dtype != np.uint8 or 0 in image.shape:
                raise ExportError(
                    f"`images` must hold {what}, got {image.dtype} {image.shape} in it"
                )


def image_cases(
    manifest: Manifest,
    cases: Mapping[str, Golden],
    images: Mapping[str, Sequence[np.ndarray]],
    original: Run,
) -> dict[str, Golden]:
    """Cases with images as inputs, for every signature that takes such images.

    Args:
        manifest: The bundle's manifest.
        cases: Golden cases. They provide the inputs that are not images (attributes, latents);
            cases from examples are preferred to seeded ones.
        images: From `by_signature`, uint8 `(height, width, channels)` of any size, brought
            to the model's size as `translate_image` does. A signature gets those with its channels.
            If it takes two images, the second one is half the set further on.
        original: Computes the expected outputs, of signatures and their uint8 variants.

    Raises:
        ExportError: If no signature takes any of the images.
    """
    inputs: dict[str, Arrays] = {}
    for name, record in manifest.signatures.items():
        if case_inputs := _inputs(record, cases[name], images.get(name, ()), manifest.aspect):
            inputs[name] = case_inputs
    if not inputs:
        raise ExportError("no signature takes images with the number of channels of those given")
    for name, record in manifest.signatures.items():
        if record.pixels_of in inputs:
            wrapped = manifest.signatures[record.pixels_of]
            inputs[name] = golden.to_pixel_inputs(wrapped, inputs[record.pixels_of])
    replayed_cases = {}
    for name, case_inputs in inputs.items():
        count = len(next(iter(case_inputs.values())))
        outputs = [
            original(name, {key: values[case] for key, values in case_inputs.items()})
            for case in range(count)
        ]
        replayed_cases[name] = Golden(
            case_inputs, {key: np.stack([case[key] for case in outputs]) for key in outputs[0]}
        )
    return replayed_cases


def as_float_signature(
    manifest: Manifest, name: str, inputs: Arrays, outputs: Arrays
) -> tuple[str, Arrays, Arrays]:
    """Converts images among inputs and outputs to float32 in [-1, 1], whatever their range.

    Returns:
        The name of the float signature, inputs and outputs.
    """
    record = manifest.signatures[name]
    return (
        record.pixels_of or name,
        _in_image_range(record.inputs, inputs),
        _in_image_range(record.outputs, outputs),
    )


def _in_image_range(tensors: Sequence[TensorRecord], values: Arrays) -> Arrays:
    images = {each.name: each.limits for each in tensors if is_image(each)}
    images |= {each.name: PIXEL_RANGE for each in tensors if is_pixels(each)}
    return {
        key: rescale(value, images[key]) if key in images else value
        for key, value in values.items()
    }


def concatenate(parts: Sequence[Golden]) -> Golden | None:
    """Concatenates cases of one signature; None if there are none."""
    if not parts:
        return None

    def concatenated(parts: Sequence[Arrays]) -> Arrays:
        return {name: np.concatenate([arrays[name] for arrays in parts]) for name in parts[0]}

    return Golden(
        concatenated([one.inputs for one in parts]), concatenated([one.outputs for one in parts])
    )


def all_finite(arrays: Arrays) -> bool:
    """Whether no array holds NaN or infinity."""
    return all(np.isfinite(values).all() for values in arrays.values())


def check_intact(bundle: Bundle, artifact: str, broken: set[str]) -> None:
    """Raises DamagedError if any file that loading an artifact reads is damaged."""
    folder = bundle.manifest.artifacts[artifact].path + "/"
    read = {path for path in broken if path.startswith(folder)}
    read |= broken & set(bundle.manifest.files_of(artifact))
    if read:
        raise DamagedError(", ".join(sorted(read)))


def _inputs(
    record: SignatureRecord, cases: Golden, images: Sequence[np.ndarray], aspect: Aspect
) -> Arrays:
    """Inputs of a float signature with the images that have its numbers of channels."""
    tensors = [tensor for tensor in record.inputs if is_image(tensor)]
    fitting = {
        tensor.name: [each for each in images if each.shape[-1] == tensor.shape[-1]]
        for tensor in tensors
    }
    count = min(map(len, fitting.values()), default=0)
    if not count:
        return {}
    others = held_out(cases) or cases
    inputs = {}
    for tensor in record.inputs:
        if tensor.name not in fitting:
            inputs[tensor.name] = others.inputs[tensor.name][np.arange(count) % others.count]
            continue
        offset = tensors.index(tensor) * count // len(tensors)
        chosen = [fitting[tensor.name][(case + offset) % count] for case in range(count)]
        canvas = (tensor.shape[1], tensor.shape[2])
        inputs[tensor.name] = np.stack(
            [
                to_float(onto_canvas(each, canvas, aspect, tensor.interpolation), tensor.limits)[
                    None
                ]
                for each in chosen
            ]
        )
    return inputs
