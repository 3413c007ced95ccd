"""How PyTorch initializes the weights of layers, today and in 2017."""

from typing import Any, Literal

import keras

from tf_translate.networks.blocks import torch_weights

Initialization = Literal["torch", "torch_2017"]
DESCRIPTION = (  # of the setting
    "how weights start: torch, as in PyTorch 1, but with biases 0; torch_2017, as in PyTorch 0 and "
    "Torch7, with random biases, scales of batch normalization between 0 and 1, and kernels of "
    "transposed convolutions scaled by their input channels (authors' code: torch_2017)"
)


class TorchInitialization:
    """Initial values of kernels and biases, by the layer that they belong to.

    Every method returns new initializers, since an initializer repeats its values.

    Args:
        kind: "torch": kernels as in PyTorch 1.0 and later, biases 0 (there uniform), scales of
            batch norm 1. "torch_2017": all as in PyTorch 0.1 to 0.4 and in Torch7.

    Raises:
        ValueError: If `kind` is neither.

    Source: `reset_parameters` in torch/nn/modules/conv.py, linear.py and batchnorm.py at v0.1.12;
    `reset` in SpatialFullConvolution.lua and BatchNormalization.lua of github.com/torch/nn.
    """

    def __init__(self, kind: Initialization = "torch"):
        if kind not in ("torch", "torch_2017"):
            raise ValueError(f"`initialization` must be 'torch' or 'torch_2017', got {kind!r}")
        self._of_2017 = kind == "torch_2017"

    def convolution(self, kernel: int, inputs: int) -> dict[str, Any]:
        """Keyword arguments of a convolution.

        Args:
            kernel: Side of the kernel.
            inputs: Input channels.
        """
        bias = torch_weights(kernel, inputs) if self._of_2017 else "zeros"
        return {"kernel_initializer": torch_weights(kernel, inputs), "bias_initializer": bias}

    def transposed(self, kernel: int, inputs: int, outputs: int) -> dict[str, Any]:
        """Keyword arguments of a transposed convolution without bias.

        Args:
            kernel: Side of the kernel.
            inputs, outputs: Channels. PyTorch 1.0 and later bound the kernel by the outputs.
        """
        return {"kernel_initializer": torch_weights(kernel, inputs if self._of_2017 else outputs)}

    def dense(self, inputs: int) -> dict[str, Any]:
        """Keyword arguments of a dense layer with so many input features."""
        return self.convolution(1, inputs)

    def batch_norm(self) -> dict[str, Any]:
        """Keyword arguments of batch normalization."""
        scale = keras.initializers.RandomUniform(0.0, 1.0) if self._of_2017 else "ones"
        return {"gamma_initializer": scale}
