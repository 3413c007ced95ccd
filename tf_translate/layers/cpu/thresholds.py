"""The sizes from which, or up to which, CPU kernels are faster than Keras's operations.

The choice depends on the processor's instruction set alone, so that a run on one machine always
takes the same operations.
"""

from dataclasses import dataclass, replace

from tf_translate.layers.cpu.processor import instruction_set


@dataclass(frozen=True)
class Thresholds:
    """Where each kernel is faster.

    Attributes:
        product_channels: Least input channels for gradients of a kernel as products (`conv2d`).
        product_columns: Most columns of the kernel for them, in float32.
        product_images: Most images in a batch for them, in float32; 0 for never.
        product_bfloat16: Whether they are faster in bfloat16, at any columns and images.
        transpose_pixels: Most input pixels in a batch for `conv2d_transpose`.
        transpose_channels: Least product of input and output channels for it.
        few_channels: Most output channels for `few_channels`.
        few_channels_pixels: Least pixels in a batch for it.
        strided_channels: Least channels of the larger images for `strided_gradient`.
        strided_pixels: Least pixels of the smaller images in a batch for it.
    """

    product_channels: int = 128
    product_columns: int = 3
    product_images: int = 4
    product_bfloat16: bool = True
    transpose_pixels: int = 64
    transpose_channels: int = 2**18
    few_channels: int = 4
    few_channels_pixels: int = 512
    strided_channels: int = 64
    strided_pixels: int = 4096


_AVX512 = Thresholds()  # measured on two cores with AMX
BY_INSTRUCTION_SET = {
    "AVX-512 + AMX": _AVX512,
    "AVX-512": _AVX512,
    "AVX2": replace(_AVX512),
    "other": replace(_AVX512),
}


def thresholds() -> Thresholds:
    """Those of this processor."""
    return BY_INSTRUCTION_SET[instruction_set()]
