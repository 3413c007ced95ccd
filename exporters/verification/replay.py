"""Replaying a bundle: what each artifact gives for golden cases and for images of one's own."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from exporters.bundle.bundle import Bundle
from exporters.bundle.manifest import Manifest, SignatureRecord
from exporters.bundle.signatures import is_image
from exporters.errors import BundleError, ExportError
from exporters.inference.aspect import onto_canvas
from exporters.inference.images import to_float
from exporters.inference.runner import Runner
from exporters.verification import golden
from exporters.verification.golden import Arrays, Golden

Run = Callable[[str, Arrays], Arrays]  # signature, inputs of one case -> its outputs
# Images of any size, for all signatures or for each that is named.
Images = Sequence[np.ndarray] | Mapping[str, Sequence[np.ndarray]]


class DamagedError(BundleError):
    """Files of an artifact are not those that were exported; its text names them."""


def runner_of(bundle: Bundle, artifact: str) -> Run:
    """Loads an artifact, after a look at whether a SavedModel is harmless.

    Raises:
        BundleError: If it cannot be loaded or would do more than compute.
    """
    record = bundle.manifest.artifacts[artifact]
    if record.kind == "tflite":
        return Runner(bundle, recipe=record.recipe).run
    import tensorflow as tf  # slow to load, and bundles without a SavedModel do without it

    from exporters.convert import saved_model
    from exporters.untrusted.saved_model import check

    check(bundle.root / record.path)
    functions = saved_model.load(bundle.root / record.path)

    def run(signature: str, inputs: Arrays) -> Arrays:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {name: np.asarray(value) for name, value in functions[signature](**tensors).items()}

    return run


def replayed(run: Run, signature: str, record: SignatureRecord, cases: Golden) -> Arrays:
    """Runs a signature on every case.

    Returns:
        An array for each output of the record, cases stacked in front.

    Raises:
        ExportError: If an output has another shape or type than it should have.
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
    """The golden cases that were given to `export`, without the seeded ones; None without any."""
    if cases.count <= golden.SEEDED_CASES:
        return None
    given = slice(golden.SEEDED_CASES, None)
    return Golden(
        {name: values[given] for name, values in cases.inputs.items()},
        {name: values[given] for name, values in cases.outputs.items()},
    )


def by_signature(manifest: Manifest, images: Images) -> dict[str, Sequence[np.ndarray]]:
    """The images of each float signature that takes some.

    Args:
        manifest: Of the bundle.
        images: Images for all of them, or some for each that is named.

    Raises:
        ExportError: If a signature is named that takes no images, or none of its channels.
    """
    takes = {
        name: {tensor.shape[-1] for tensor in record.inputs if is_image(tensor)}
        for name, record in manifest.signatures.items()
        if record.pixels_of is None and any(is_image(tensor) for tensor in record.inputs)
    }
    if not isinstance(images, Mapping):
        return dict.fromkeys(takes, images)
    for name, of_signature in images.items():
        if name not in takes:
            known = ", ".join(takes) or "none"
            raise ExportError(
                f"`images` names {name!r}, and the signatures that take images are {known}"
            )
        if missing := takes[name] - {each.shape[-1] for each in of_signature}:
            raise ExportError(
                f"`images` must hold images of {min(missing)} channels for {name!r}, got "
                f"{len(of_signature)} images and none of so many"
            )
    return dict(images)


def image_cases(
    manifest: Manifest,
    cases: Mapping[str, Golden],
    images: Mapping[str, Sequence[np.ndarray]],
    original: Run,
) -> dict[str, Golden]:
    """Cases made of images, for every signature that takes such; others are left out.

    Args:
        manifest: Of the bundle.
        cases: Golden ones. Inputs that are no images (attributes, latents) are taken from them in
            turn, from those given to `export` where there are any.
        images: From `by_signature`, uint8 `(height, width, channels)` of any size, fitted to the
            model as `translate_image` does. A signature gets those of its channels; where it
            takes two, the second is the image half a set further on.
        original: Gives the outputs that are right, of signatures and their uint8 variants.

    Raises:
        ExportError: If no signature takes any of the images.
    """
    inputs: dict[str, Arrays] = {}
    for name, record in manifest.signatures.items():
        if made := _inputs(record, cases[name], images.get(name, ())):
            inputs[name] = made
    if not inputs:
        raise ExportError("no signature takes a image of so many channels as those given have")
    for name, record in manifest.signatures.items():
        if record.pixels_of in inputs:
            wrapped = manifest.signatures[record.pixels_of]
            inputs[name] = golden.on_pixels(wrapped, inputs[record.pixels_of])
    found = {}
    for name, made in inputs.items():
        count = len(next(iter(made.values())))
        outputs = [
            original(name, {key: values[case] for key, values in made.items()})
            for case in range(count)
        ]
        found[name] = Golden(
            made, {key: np.stack([case[key] for case in outputs]) for key in outputs[0]}
        )
    return found


def as_images(
    manifest: Manifest, name: str, inputs: Arrays, outputs: Arrays
) -> tuple[str, Arrays, Arrays]:
    """The float signature that a signature is or wraps, with inputs and outputs as it has them."""
    record = manifest.signatures[name]
    if record.pixels_of is None:
        return name, inputs, outputs
    wrapped = manifest.signatures[record.pixels_of]
    results = {tensor.name for tensor in wrapped.outputs if is_image(tensor)}
    floats = {key: to_float(value) if key in results else value for key, value in outputs.items()}
    return record.pixels_of, golden.to_wrapped_inputs(wrapped, inputs), floats


def joined(parts: Sequence[Golden]) -> Golden | None:
    """Cases of one signature, one after the other; None of none."""
    if not parts:
        return None

    def stacked(each: Sequence[Arrays]) -> Arrays:
        return {name: np.concatenate([arrays[name] for arrays in each]) for name in each[0]}

    return Golden(stacked([one.inputs for one in parts]), stacked([one.outputs for one in parts]))


def all_finite(arrays: Arrays) -> bool:
    """Whether no array holds NaN or infinity."""
    return all(np.isfinite(values).all() for values in arrays.values())


def check_intact(bundle: Bundle, artifact: str, broken: set[str]) -> None:
    """Raises DamagedError if files that loading an artifact would read are broken."""
    folder = bundle.manifest.artifacts[artifact].path + "/"
    read = {path for path in broken if path.startswith(folder)}
    read |= broken & set(bundle.manifest.files_of(artifact))
    if read:
        raise DamagedError(", ".join(sorted(read)))


def _inputs(record: SignatureRecord, cases: Golden, images: Sequence[np.ndarray]) -> Arrays:
    images = [tensor for tensor in record.inputs if is_image(tensor)]
    fitting = {
        tensor.name: [each for each in images if each.shape[-1] == tensor.shape[-1]]
        for tensor in images
    }
    count = min(map(len, fitting.values()), default=0)
    if not count:
        return {}
    others = held_out(cases) or cases
    made = {}
    for tensor in record.inputs:
        if tensor.name not in fitting:
            made[tensor.name] = others.inputs[tensor.name][np.arange(count) % others.count]
            continue
        further = images.index(tensor) * count // len(images)
        chosen = [fitting[tensor.name][(case + further) % count] for case in range(count)]
        canvas = (tensor.shape[1], tensor.shape[2])
        made[tensor.name] = np.stack([to_float(onto_canvas(each, canvas))[None] for each in chosen])
    return made
