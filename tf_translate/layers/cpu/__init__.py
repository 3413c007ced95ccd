"""Layers and operations that train faster on a CPU, behind one switch.

Networks and layers import them from here alone. The environment variable TF_TRANSLATE_CPU_KERNELS
switches them: unset or `on` for all, `off` for plain Keras and TensorFlow operations, or a
comma-separated list of names. `switch.KERNELS` describes the kernels, `thresholds` says for which
sizes each is faster. Plain Keras is their reference in tests.
"""

from tf_translate.layers.cpu.conv2d import Conv2D
from tf_translate.layers.cpu.conv2d_transpose import Conv2DTranspose
from tf_translate.layers.cpu.cropping import CropFirst
from tf_translate.layers.cpu.processor import instruction_set
from tf_translate.layers.cpu.reflection_padding import pad_by_reflection
from tf_translate.layers.cpu.switch import (
    KERNELS,
    VARIABLE,
    enabled,
    enabled_kernels,
    record_kernels,
)

__all__ = [
    "KERNELS",
    "VARIABLE",
    "Conv2D",
    "Conv2DTranspose",
    "CropFirst",
    "enabled",
    "enabled_kernels",
    "instruction_set",
    "pad_by_reflection",
    "record_kernels",
]
