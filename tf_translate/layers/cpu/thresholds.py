"""The sizes from which, or up to which, CPU kernels are faster than Keras's operations.

The choice depends on the processor's instruction set alone, so that a run on one machine always
takes the same operations.
"""

from dataclasses import dataclass, replace

from tf_translate.layers.cpu.processor import instruction_set

NEVER = 2**62  # more pixels than any batch has


@dataclass(frozen=True)
class Thresholds:
    """Where each kernel is faster.

    Attributes:
        product_channels: Least input channels for gradients of a kernel as products (`conv2d`).
        product_columns: Most columns of the kernel for them, in float32.
        product_images: Most images in a batch for them, in float32; 0 for no products.
        product_bfloat16: Whether they are faster in bfloat16, at any columns and images.
        transpose_pixels: Most input pixels in a batch for `conv2d_transpose`.
        transpose_channels: Least product of input and output channels for it.
        few_channels: Most output channels for `few_channels`.
        few_channels_pixels: Least pixels in a batch for it.
        strided_channels: Least channels of the larger images for `strided_gradient`.
        strided_pixels: Least pixels of the smaller images in a batch for it, or `NEVER`.
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


# Forward and backward passes of one layer, with a kernel and without it in turns, two cores:
# - AVX-512: on an AMD EPYC, where the default values come from.
# - AVX-512 + AMX: on an Intel Xeon. Gradients of strided kernels take 1.0 to 1.5 times Keras's
#   time by parity, float32 products 1.0 to 1.1 times; transposed convolutions of 16x16 pixels or
#   of 256 times 256 channels take 0.5 to 0.8 times as products.
# - AVX2: on that Xeon with ONEDNN_MAX_CPU_ISA=AVX2, and for bfloat16 without oneDNN, which
#   TensorFlow does not use for it there. By parity 1.2 to 1.4; float32 products 0.6 to 1.0;
#   bfloat16 products 0.2 to 0.6; transposed convolutions as with AMX.
_LARGER_PRODUCTS = Thresholds(transpose_pixels=256, transpose_channels=2**16, strided_pixels=NEVER)
BY_INSTRUCTION_SET = {
    "AVX-512": Thresholds(),
    "AVX-512 + AMX": replace(_LARGER_PRODUCTS, product_images=0),
    "AVX2": _LARGER_PRODUCTS,
    "other": Thresholds(strided_pixels=NEVER),
}


def thresholds() -> Thresholds:
    """Those of this processor."""
    return BY_INSTRUCTION_SET[instruction_set()]
