"""Golden cases: inputs with the outputs the original function gave before any conversion.

Held in memory as one array a tensor with the cases stacked in front, `(cases, *shape)`,
and in `golden.npz` under `<signature>/inputs/<tensor>` and `<signature>/outputs/<tensor>`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exporters.bundle import npz
from exporters.bundle.labels import default_of
from exporters.bundle.manifest import Manifest, SignatureRecord, TensorRecord
from exporters.bundle.npz import Arrays
from exporters.bundle.signatures import is_image
from exporters.errors import BundleError, ExportError
from exporters.inference.images import to_float, to_uint8

SEEDED_CASES = 2
MAX_GIVEN_CASES = 32  # they make the file large, and int16x8 takes seconds for each


@dataclass(frozen=True)
class Golden:
    """Cases of one signature; each array is `(cases, *tensor shape)`."""

    inputs: Arrays
    outputs: Arrays

    @property
    def count(self) -> int:
        """Number of cases."""
        return len(next(iter(self.inputs.values())))

    def cases(self) -> Iterator[tuple[Arrays, Arrays]]:
        """Inputs and outputs case by case."""
        for index in range(self.count):
            yield (
                {name: values[index] for name, values in self.inputs.items()},
                {name: values[index] for name, values in self.outputs.items()},
            )


def make_inputs(
    name: str, record: SignatureRecord, given: Mapping[str, np.ndarray], seed: int
) -> Arrays:
    """Two seeded cases and then one for each given example, up to 32.

    The first seeded case is smooth where the tensor is an image (soft blobs of colour, as
    photographs are), the second is noise. Inputs that are not given are seeded in every case, but
    have their default, where there is one, beside examples of others; those that are given and have
    no range (latents) are seeded as mixtures of the examples, because nothing else says which
    values are possible.

    Args:
        name: The signature's name.
        record: What it takes.
        given: For some inputs a batch of real examples `(n, *shape without batch)`.
        seed: Any integer; equal seeds give equal cases.

    Raises:
        ExportError: If a given batch does not belong to the signature.
    """
    examples = checked(name, record, given, argument="golden_images")
    examples = {key: batch[:MAX_GIVEN_CASES] for key, batch in examples.items()}
    count = min((len(batch) for batch in examples.values()), default=0)
    random = np.random.default_rng([seed % 2**32, *name.encode()])
    inputs = {}
    for tensor in record.inputs:
        total = SEEDED_CASES + count
        cases = [_seeded(tensor, random, smooth=index == 0) for index in range(total)]
        if tensor.name in examples:
            if tensor.value_range is None and count:
                cases = [_mixture(examples[tensor.name], random) for _ in range(total)]
            cases[SEEDED_CASES:] = [example[None] for example in examples[tensor.name][:count]]
        elif (default := default_of(tensor)) is not None:
            usual = np.broadcast_to(default, tensor.shape).astype(tensor.dtype)
            cases[SEEDED_CASES:] = [usual] * count
        inputs[tensor.name] = np.stack(cases)
    return inputs


def checked(
    name: str, record: SignatureRecord, given: Mapping[str, np.ndarray], *, argument: str
) -> Arrays:
    """Given batches of a signature's inputs, as arrays; `argument` is what errors call them.

    Raises:
        ExportError: If one is not of the name, shape, type or range of an input.
    """
    tensors = {tensor.name: tensor for tensor in record.inputs}
    found = {}
    for key, batch in given.items():
        if key not in tensors:
            raise ExportError(
                f"`{argument}` names the input {key!r} but signature {name!r} takes "
                f"{', '.join(tensors)}"
            )
        tensor, values = tensors[key], np.asarray(batch)
        if tensor.shape[0] != 1 or values.shape[1:] != tensor.shape[1:]:
            raise ExportError(
                f"`{argument}` of signature {name!r}, input {key!r}, must have shape "
                f"(n, {', '.join(map(str, tensor.shape[1:]))}), got {values.shape}"
            )
        low, high = tensor.value_range or (-np.inf, np.inf)
        if values.dtype != tensor.dtype or not ((values >= low) & (values <= high)).all():
            raise ExportError(
                f"`{argument}` of signature {name!r}, input {key!r}, must be {tensor.dtype} "
                f"in [{low}, {high}], got {values.dtype} with other values or type"
            )
        found[key] = values
    return found


def on_pixels(record: SignatureRecord, inputs: Arrays) -> Arrays:
    """The same cases for the uint8 variant: images become levels, the rest stays."""
    images = {tensor.name for tensor in record.inputs if is_image(tensor)}
    return {key: to_uint8(value) if key in images else value for key, value in inputs.items()}


def to_wrapped_inputs(record: SignatureRecord, pixels: Arrays) -> Arrays:
    """What the float signature is fed when its uint8 variant is fed `pixels`."""
    images = {tensor.name for tensor in record.inputs if is_image(tensor)}
    return {key: to_float(value) if key in images else value for key, value in pixels.items()}


def from_wrapped_outputs(record: SignatureRecord, outputs: Arrays) -> Arrays:
    """What the uint8 variant gives when the float signature gives `outputs`."""
    images = {tensor.name for tensor in record.outputs if is_image(tensor)}
    return {key: to_uint8(value) if key in images else value for key, value in outputs.items()}


def write(path: Path, golden: Mapping[str, Golden]) -> None:
    """Writes the cases of every signature."""
    members: Arrays = {}
    for name, cases in golden.items():
        members |= {f"{name}/inputs/{key}": value for key, value in cases.inputs.items()}
        members |= {f"{name}/outputs/{key}": value for key, value in cases.outputs.items()}
    npz.write(path, members)


def read(content: bytes, manifest: Manifest) -> dict[str, Golden]:
    """Reads cases from the content of `golden.npz`; nothing in it is trusted.

    The arrays, their types and their shapes must be those the manifest's signatures ask for,
    inputs must lie in their ranges and nothing may be NaN.

    Raises:
        BundleError: If the content is anything else.
    """
    found = npz.read(content, _forms(manifest), "golden.npz")
    return {name: _golden(name, record, found) for name, record in manifest.signatures.items()}


def _seeded(tensor: TensorRecord, random: np.random.Generator, *, smooth: bool) -> np.ndarray:
    if tensor.dtype != "float32":
        low, high = tensor.value_range or (0, 1)
        return random.integers(int(low), int(high) + 1, tensor.shape).astype(tensor.dtype)
    if tensor.value_range is None:
        return random.standard_normal(tensor.shape, np.float32)
    low, high = tensor.value_range
    unit = random.random(tensor.shape, np.float32)
    if smooth and len(tensor.shape) == 4:
        unit = _blobs(tensor.shape, random)
    return (low + unit * (high - low)).astype(np.float32).clip(low, high)


def _mixture(examples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    shares = random.dirichlet(np.ones(len(examples)))
    return np.tensordot(shares, examples, axes=1)[None].astype(examples.dtype)


def _blobs(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Bilinear enlargement of 4x4 random colours to `(batch, height, width, channels)`."""
    batch, height, width, channels = shape
    coarse = random.random((batch, 4, 4, channels))
    rows, columns = _weights(height), _weights(width)
    return np.einsum("hi,bijc,wj->bhwc", rows, coarse, columns)


def _weights(size: int) -> np.ndarray:
    """Linear interpolation from 4 points to `size`, as a matrix `(size, 4)`."""
    places = np.linspace(0.0, 3.0, size)
    return np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(4.0)))


def _forms(manifest: Manifest) -> dict[str, npz.Form]:
    return {
        f"{name}/{role}/{tensor.name}": (
            (manifest.golden.cases[name], *tensor.shape),
            tensor.dtype,
        )
        for name, record in manifest.signatures.items()
        for role, tensors in (("inputs", record.inputs), ("outputs", record.outputs))
        for tensor in tensors
    }


def _golden(name: str, record: SignatureRecord, found: Arrays) -> Golden:
    inputs = {tensor.name: found[f"{name}/inputs/{tensor.name}"] for tensor in record.inputs}
    outputs = {tensor.name: found[f"{name}/outputs/{tensor.name}"] for tensor in record.outputs}
    for key, values in [*inputs.items(), *outputs.items()]:
        if not np.isfinite(values).all():
            raise BundleError(f"golden.npz: {key!r} of {name!r} holds values that are not finite")
    for tensor in record.inputs:
        low, high = tensor.value_range or (-np.inf, np.inf)
        if not ((inputs[tensor.name] >= low) & (inputs[tensor.name] <= high)).all():
            raise BundleError(
                f"golden.npz: {tensor.name!r} of {name!r} holds values outside [{low}, {high}]"
            )
    return Golden(inputs, outputs)
