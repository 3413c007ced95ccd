"""Golden cases: inputs, and the outputs of the original function before any conversion.

There is one array per tensor with the cases along the first axis, `(cases, *shape)`. In
`golden.npz` they are `<signature>/inputs/<tensor>` and `<signature>/outputs/<tensor>`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exporters.bundle import npz
from exporters.bundle.manifest import Manifest, SignatureRecord, TensorRecord
from exporters.bundle.npz import Arrays
from exporters.bundle.signatures import is_image
from exporters.errors import BundleError, ExportError
from exporters.inference.images import to_float, to_uint8

SEEDED_CASES = 2
MAX_EXAMPLES = 32  # more make the file large, and int16x8 takes seconds per case


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
    name: str, record: SignatureRecord, examples: Mapping[str, np.ndarray], seed: int
) -> Arrays:
    """Two seeded cases, followed by one for each example, up to 32.

    In the first seeded case images are smooth (soft blobs of colour, like photographs), in the
    second they are noise. An input without examples is seeded in every case; if it has a
    default, it has that in the cases from examples. An input with examples and no value range
    (a latent code) is seeded by mixtures of its examples, because its possible values are
    not known otherwise.

    Args:
        name: The signature's name.
        record: Its inputs.
        examples: For some inputs a batch of real examples `(n, *shape without batch)`.
        seed: Any integer; equal seeds give equal cases.

    Raises:
        ExportError: If a batch of examples does not fit the signature.
    """
    examples = check_batches(name, record, examples, argument="golden_images")
    examples = {key: batch[:MAX_EXAMPLES] for key, batch in examples.items()}
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
        elif tensor.default is not None:
            default = np.broadcast_to(tensor.default, tensor.shape).astype(tensor.dtype)
            cases[SEEDED_CASES:] = [default] * count
        inputs[tensor.name] = np.stack(cases)
    return inputs


def check_batches(
    name: str, record: SignatureRecord, batches: Mapping[str, np.ndarray], *, argument: str
) -> Arrays:
    """Returns batches of a signature's inputs as arrays; errors call them `argument`.

    Raises:
        ExportError: If name, shape, type or range of a batch differ from those of an input.
    """
    tensors = {tensor.name: tensor for tensor in record.inputs}
    arrays = {}
    for key, batch in batches.items():
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
        low, high = tensor.limits
        if values.dtype != tensor.dtype or not ((values >= low) & (values <= high)).all():
            raise ExportError(
                f"`{argument}` of signature {name!r}, input {key!r}, must be {tensor.dtype} "
                f"in [{low}, {high}], got {values.dtype} with other values or type"
            )
        arrays[key] = values
    return arrays


def to_pixel_inputs(record: SignatureRecord, inputs: Arrays) -> Arrays:
    """The same cases for the uint8 variant: images become pixels, other tensors stay."""
    return _scaled(to_uint8, record.inputs, inputs)


def to_float_inputs(record: SignatureRecord, pixels: Arrays) -> Arrays:
    """Inputs of the float signature for inputs of its uint8 variant."""
    return _scaled(to_float, record.inputs, pixels)


def to_pixel_outputs(record: SignatureRecord, outputs: Arrays) -> Arrays:
    """Outputs of the uint8 variant for outputs of the float signature."""
    return _scaled(to_uint8, record.outputs, outputs)


def _scaled(
    scale: Callable[[np.ndarray, tuple[float, float]], np.ndarray],
    tensors: Sequence[TensorRecord],
    values: Arrays,
) -> Arrays:
    """Scales the images among some values, each by the value range of its tensor."""
    limits = {tensor.name: tensor.limits for tensor in tensors if is_image(tensor)}
    return {
        key: scale(value, limits[key]) if key in limits else value for key, value in values.items()
    }


def write(path: Path, golden: Mapping[str, Golden]) -> None:
    """Writes the cases of every signature."""
    members: Arrays = {}
    for name, cases in golden.items():
        members |= {f"{name}/inputs/{key}": value for key, value in cases.inputs.items()}
        members |= {f"{name}/outputs/{key}": value for key, value in cases.outputs.items()}
    npz.write(path, members)


def read(content: bytes, manifest: Manifest) -> dict[str, Golden]:
    """Reads cases from the content of `golden.npz`; nothing in it is trusted.

    Names, types and shapes of the arrays must be those of the manifest's signatures. Inputs
    must be in their ranges, and all values finite.

    Raises:
        BundleError: If the content is anything else.
    """
    arrays = npz.read(content, _expected_arrays(manifest), "golden.npz")
    return {name: _golden(name, record, arrays) for name, record in manifest.signatures.items()}


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
    coefficients = random.dirichlet(np.ones(len(examples)))
    return np.tensordot(coefficients, examples, axes=1)[None].astype(examples.dtype)


def _blobs(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Bilinear enlargement of 4x4 random colours to `(batch, height, width, channels)`."""
    batch, height, width, channels = shape
    coarse = random.random((batch, 4, 4, channels))
    rows, columns = _weights(height), _weights(width)
    return np.einsum("hi,bijc,wj->bhwc", rows, coarse, columns)


def _weights(size: int) -> np.ndarray:
    """Linear interpolation from 4 points to `size`, as a matrix `(size, 4)`."""
    positions = np.linspace(0.0, 3.0, size)
    return np.maximum(0.0, 1.0 - np.abs(positions[:, None] - np.arange(4.0)))


def _expected_arrays(manifest: Manifest) -> dict[str, npz.ShapeAndType]:
    return {
        f"{name}/{role}/{tensor.name}": (
            (manifest.golden.cases[name], *tensor.shape),
            tensor.dtype,
        )
        for name, record in manifest.signatures.items()
        for role, tensors in (("inputs", record.inputs), ("outputs", record.outputs))
        for tensor in tensors
    }


def _golden(name: str, record: SignatureRecord, arrays: Arrays) -> Golden:
    inputs = {tensor.name: arrays[f"{name}/inputs/{tensor.name}"] for tensor in record.inputs}
    outputs = {tensor.name: arrays[f"{name}/outputs/{tensor.name}"] for tensor in record.outputs}
    for key, values in [*inputs.items(), *outputs.items()]:
        if not np.isfinite([values.min(), values.max()]).all():  # both are NaN if one value is
            raise BundleError(f"golden.npz: {key!r} of {name!r} holds values that are not finite")
    for tensor in record.inputs:
        low, high = tensor.limits
        if not low <= inputs[tensor.name].min() <= inputs[tensor.name].max() <= high:
            raise BundleError(
                f"golden.npz: {tensor.name!r} of {name!r} holds values outside [{low}, {high}]"
            )
    return Golden(inputs, outputs)
