"""The switch of the CPU kernels: the environment variable TF_TRANSLATE_CPU_KERNELS.

A CPU kernel computes what Keras computes, by TensorFlow operations that train faster on a CPU.
Plain Keras stays the reference: its results differ by rounding alone, and weights, state and
`.keras` files are the same with any setting. The variable holds one of:

- unset, or `on`: every kernel, wherever it is faster (`thresholds`);
- `off`: plain Keras and TensorFlow operations everywhere;
- names of kernels with commas between them, such as `conv2d,adam`: those kernels alone.

It is read whenever a layer or a training step is built or traced. A step that is traced already
keeps its operations.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping

from tf_translate.errors import ConfigError

VARIABLE = "TF_TRANSLATE_CPU_KERNELS"
KERNELS: Mapping[str, str] = {
    "conv2d": "gradients of kernels without strides as matrix products (`Conv2D`)",
    "conv2d_transpose": "transposed convolutions of few pixels as products (`Conv2DTranspose`)",
    "strided_gradient": "gradients of kernels with stride 2, by the parity of pixels",
    "few_channels": "convolutions to few channels as two convolutions",
    "bias": "biases without reshaping, with gradients that are summed in float32",
    "reflection_padding": "reflection padding as a gather of whole pixels (`pad_by_reflection`)",
    "cropping": "cropping as a slice, which has padding as its gradient (`CropFirst`)",
    "adam": "Adam in one pass over the weights (`core/adam.py`)",
}


_records: list[set[str]] = []  # one for each open `record_kernels`


def enabled(kernel: str) -> bool:
    """Whether a kernel, by its name in `KERNELS`, is switched on now.

    Call it where the kernel applies, after all other conditions: see `record_kernels`.

    Raises:
        ConfigError: If the variable holds an unknown name.
    """
    if kernel not in enabled_kernels():
        return False
    for record in _records:
        record.add(kernel)
    return True


@contextlib.contextmanager
def record_kernels() -> Iterator[set[str]]:
    """Yields a set that receives the name of every kernel that is used while the context is open.

    Trace a model in it to learn which kernels its operations contain.
    """
    record: set[str] = set()
    _records.append(record)
    try:
        yield record
    finally:
        _records[:] = [each for each in _records if each is not record]


def enabled_kernels() -> frozenset[str]:
    """Names of all kernels that are switched on now.

    Raises:
        ConfigError: If the variable holds an unknown name.
    """
    value = os.environ.get(VARIABLE, "on").strip()
    if value in ("", "on"):
        return frozenset(KERNELS)
    if value == "off":
        return frozenset()
    names = frozenset(name.strip() for name in value.split(","))
    unknown = sorted(names - KERNELS.keys())
    if unknown:
        raise ConfigError(
            f"{VARIABLE} must be on, off or a comma-separated list of kernels, got {value!r}: "
            f"{unknown[0]!r} is none of {', '.join(KERNELS)}; correct or unset it"
        )
    return names
