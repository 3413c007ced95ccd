"""Keras networks in PyTorch: the architecture's JSON, carried out by our own layers in float64.

Tensors are `(batch, height, width, channels)` throughout, as in Keras.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

Tensor = torch.Tensor


class Network:
    """A functional Keras network by its JSON, with weights of its own.

    Args:
        architecture: What `keras.Model.to_json` returns, parsed.
        weights: Values by name, "LAYER/VARIABLE".
        trainable: Names of those that an optimizer updates.
        masks: What each dropout layer multiplies by, by layer: one array for each pass in
            training mode.
    """

    def __init__(
        self,
        architecture: Mapping[str, Any],
        weights: Mapping[str, np.ndarray],
        trainable: Sequence[str],
        masks: Mapping[str, np.ndarray],
    ) -> None:
        self._config = architecture["config"]
        self.weights: dict[str, Tensor] = {
            name: torch.from_numpy(np.asarray(value, np.float64)) for name, value in weights.items()
        }
        self.trainable = list(trainable)
        for name in self.trainable:
            self.weights[name].requires_grad_(True)
        self._masks = masks
        self._passes: dict[str, int] = {}

    def replace(self, name: str, value: Tensor) -> None:
        """Gives a trainable weight a new value; graphs of earlier passes keep the old one."""
        self.weights[name] = value.detach().requires_grad_(True)

    def __call__(self, *inputs: Tensor, training: bool = True) -> Any:
        """The outputs, one tensor or a list, as the Keras network has them."""
        values: dict[tuple[str, int, int], Tensor] = {}
        for place, value in zip(_histories(self._config["input_layers"]), inputs, strict=True):
            values[place] = value
        for layer in self._config["layers"]:
            for index, node in enumerate(layer["inbound_nodes"]):
                arguments = _filled(node["args"], values)
                keywords = _filled(node.get("kwargs", {}), values)
                results = self._run(layer, arguments, keywords, training)
                for position, result in enumerate(results):
                    values[layer["name"], index, position] = result
        outputs = [values[place] for place in _histories(self._config["output_layers"])]
        return outputs[0] if len(outputs) == 1 else outputs

    def _run(self, layer: Mapping, arguments: list, keywords: Mapping, training: bool) -> list:
        name, kind, config = layer["name"], layer["class_name"], layer["config"]
        own = {
            key.removeprefix(f"{name}/"): value
            for key, value in self.weights.items()
            if key.startswith(f"{name}/")
        }
        if kind == "BatchNormalization":
            return [self._batch_norm(name, config, own, arguments[0], training)]
        if kind == "Dropout":
            return [self._dropout(name, config, arguments[0], training)]
        if kind not in LAYERS:
            raise NotImplementedError(f"there is no layer {kind!r} in scripts.benchmarks.parity")
        kwargs = {k: v for k, v in keywords.items() if k in ("axis", "indices_or_sections")}
        results = LAYERS[kind](*arguments, config={**config, **kwargs}, weights=own)
        return list(results) if isinstance(results, list | tuple) else [results]

    def _batch_norm(self, name: str, config: Mapping, own: Mapping, inputs: Tensor, training: bool):
        """Ioffe & Szegedy 2015, algorithm 1, with running averages of mean and variance."""
        if training:
            axes = tuple(range(inputs.ndim - 1))
            mean = inputs.mean(axes)
            variance = ((inputs - mean) ** 2).mean(axes)
            kept = config["momentum"]
            for average, value in (("moving_mean", mean), ("moving_variance", variance)):
                key = f"{name}/{average}"
                self.weights[key] = kept * self.weights[key] + (1 - kept) * value.detach()
        else:
            mean, variance = own["moving_mean"], own["moving_variance"]
        normalised = (inputs - mean) / torch.sqrt(variance + config["epsilon"])
        return normalised * own.get("gamma", 1.0) + own.get("beta", 0.0)

    def _dropout(self, name: str, config: Mapping, inputs: Tensor, training: bool) -> Tensor:
        if not training or not config["rate"]:
            return inputs
        index = self._passes.get(name, 0)
        self._passes[name] = index + 1
        return inputs * torch.from_numpy(self._masks[name][index]).double()


def _histories(places: Sequence) -> list[tuple[str, int, int]]:
    """Inputs or outputs of a network as (layer, node, position); a single one is not in a list."""
    if places and isinstance(places[0], str):
        places = [places]
    return [(place[0], place[1], place[2]) for place in places]


def _filled(arguments: Any, values: Mapping[tuple[str, int, int], Tensor]) -> Any:
    """A node's arguments with tensors in place of their descriptions."""
    if isinstance(arguments, Mapping):
        if arguments.get("class_name") == "__keras_tensor__":
            return values[tuple(arguments["config"]["keras_history"])]
        return {name: _filled(value, values) for name, value in arguments.items()}
    if isinstance(arguments, list | tuple):
        return [_filled(value, values) for value in arguments]
    return arguments


# --- layers: inputs, then `config` and `weights` ------------------------------------------


def _convolve(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    kernel = weights["kernel"]  # (height, width, in, out)
    stride, dilation = _single(config["strides"]), _single(config["dilation_rate"])
    channels_first = images.permute(0, 3, 1, 2)
    if config["padding"] == "same":
        channels_first = functional.pad(
            channels_first, _same_padding(images.shape[1:3], kernel.shape[:2], stride, dilation)
        )
    result = functional.conv2d(
        channels_first, kernel.permute(3, 2, 0, 1).contiguous(), stride=stride, dilation=dilation
    )
    return _biased(result.permute(0, 2, 3, 1), weights, config)


def _same_padding(sides: Sequence[int], kernel: Sequence[int], stride: int, dilation: int) -> list:
    """Left, right, top, bottom: as little as makes ceil(side / stride) outputs, less before."""
    padding = []
    for side, size in zip(reversed(sides), reversed(kernel), strict=True):
        span = dilation * (size - 1) + 1
        total = max((math.ceil(side / stride) - 1) * stride + span - side, 0)
        padding += [total // 2, total - total // 2]
    return padding


def _transpose(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    """The transpose of a convolution with the same stride and padding."""
    kernel, stride = weights["kernel"], _single(config["strides"])  # (height, width, out, in)
    full = functional.conv_transpose2d(
        images.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1).contiguous(), stride=stride
    ).permute(0, 2, 3, 1)
    for axis, (side, size) in enumerate(zip(images.shape[1:3], kernel.shape[:2], strict=True), 1):
        if config["padding"] == "same":
            wanted, first = side * stride, max(size - stride, 0) // 2
        else:
            wanted, first = (side - 1) * stride + max(size, stride), 0
        lacking = max(first + wanted - full.shape[axis], 0)
        padding = [0] * (2 * (3 - axis)) + [0, lacking]
        full = functional.pad(full, padding).narrow(axis, first, wanted)
    return _biased(full, weights, config)


def _dense(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return _biased(inputs @ weights["kernel"], weights, config)


def _biased(values: Tensor, weights: Mapping, config: Mapping) -> Tensor:
    values = values + weights["bias"] if "bias" in weights else values
    return _ACTIVATIONS[config["activation"]](values)


def _instance_norm(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    mean = images.mean((1, 2), keepdim=True)
    variance = ((images - mean) ** 2).mean((1, 2), keepdim=True)
    normalised = (images - mean) / torch.sqrt(variance + config["epsilon"])
    return normalised * weights.get("gamma", 1.0) + weights.get("beta", 0.0)


def _leaky(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return functional.leaky_relu(inputs, config.get("negative_slope") or 0.0)


def _activation(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return _ACTIVATIONS[config["activation"]](inputs)


def _elu(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return functional.elu(inputs, config.get("alpha", 1.0))


def _concatenate(inputs: Sequence[Tensor], *, config: Mapping, weights: Mapping) -> Tensor:
    return torch.cat(list(inputs), config.get("axis", -1))


def _add(inputs: Sequence[Tensor], *, config: Mapping, weights: Mapping) -> Tensor:
    return sum(inputs[1:], inputs[0])


def _reshape(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return inputs.reshape(len(inputs), *config["target_shape"])


def _flatten(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return inputs.reshape(len(inputs), -1)


def _zero_pad(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    (top, bottom), (left, right) = config["padding"]
    return functional.pad(images, [0, 0, left, right, top, bottom])


def _reflect(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    channels_first = images.permute(0, 3, 1, 2)
    return functional.pad(channels_first, [config["padding"]] * 4, "reflect").permute(0, 2, 3, 1)


def _crop_first(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return images[:, 1:, 1:]


def _double(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return images.repeat_interleave(2, 1).repeat_interleave(2, 2)


def _rescale(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return inputs * config["scale"] + config["offset"]


def _average(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return images.mean((1, 2))


def _split(inputs: Tensor, *others: Any, config: Mapping, weights: Mapping) -> list[Tensor]:
    at = others[0] if others else config["indices_or_sections"]
    axis = others[1] if len(others) > 1 else config["axis"]
    return list(torch.tensor_split(inputs, list(at), dim=axis))


def _unit(inputs: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    return inputs / torch.sqrt((inputs**2).sum(-1, keepdim=True))


def _expand(attributes: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    """Fader Networks: a binary attribute v has two columns, (1 - v, v)."""
    columns = []
    for column, binary in zip(attributes.split(1, -1), config["binary"], strict=True):
        columns += [1 - column, column] if binary else [column]
    return torch.cat(columns, -1)


def _attribute_maps(inputs: Sequence[Tensor], *, config: Mapping, weights: Mapping) -> Tensor:
    features, values = inputs
    maps = values[:, None, None, :].expand(-1, *features.shape[1:3], -1)
    return torch.cat([features, maps], -1)


def _compare_images(features: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    """Minibatch discrimination, Salimans et al. 2016, section 3.2, with normalised weights."""
    kernel = weights["kernel"]  # (channels, kernels, size)
    kernel = kernel / torch.sqrt((kernel**2).sum(0)) * torch.exp(weights["scale"])
    projected = torch.einsum("bc,cks->bks", features, kernel)
    closeness = []
    for index in range(len(features)):
        others = torch.cat([projected[:index], projected[index + 1 :]])
        distances = (projected[index] - others).abs().sum(-1)
        closeness.append(torch.exp(-distances).sum(0) + weights["bias"])
    return torch.cat([features, torch.stack(closeness)], -1)


def _multiscale(images: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    """IAN's multiscale dilated convolution: one 3x3 kernel at several dilations, summed.

    Scale 0 is a 1x1 convolution by the kernel's mean. Each has a coefficient for each filter.
    """
    kernel = weights["kernel"].permute(3, 2, 0, 1).contiguous()
    channels_first, result = images.permute(0, 3, 1, 2), 0
    for scale, coefficient in zip([1, *config["scales"]], weights["coefficients"], strict=True):
        used = kernel if scale else kernel.mean((2, 3), keepdim=True)
        convolved = functional.conv2d(channels_first, used, padding=scale, dilation=max(scale, 1))
        result = result + coefficient[:, None, None] * convolved
    return result.permute(0, 2, 3, 1)


def _beta_mean(parameters: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    """IAN's RGB-Beta output: 2 alpha / (alpha + beta) - 1."""
    alpha, beta = parameters.split(1, -1)
    return 2 * alpha / (alpha + beta + 1e-8) - 1


def _flow(latents: Tensor, *, config: Mapping, weights: Mapping) -> Tensor:
    """IAN's autoregressive step: (z - m(z)) / exp(s(z)), m and s of all earlier elements."""
    order = weights["order"]
    masks = {
        "hidden": (order[:, None] <= 0).double().expand(-1, len(order)),  # units of degree 0
        "output": (order[None, :] > 0).double().expand(len(order), -1),
        "direct": (order[:, None] < order[None, :]).double(),
    }

    def made(name: str) -> Tensor:  # Germain et al. 2015, with direct connections
        kernels = {part: weights[f"{name}_{part}"] * mask for part, mask in masks.items()}
        hidden = torch.relu(latents @ kernels["hidden"])
        return hidden @ kernels["output"] + latents @ kernels["direct"]

    return (latents - made("mean")) / torch.exp(made("log_scale"))


def _single(sizes: Any) -> int:
    """A stride or dilation that is the same for both axes."""
    (size,) = set(sizes) if isinstance(sizes, list | tuple) else {sizes}
    return size


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda values: values,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "elu": functional.elu,
}
LAYERS: dict[str, Callable] = {
    "Activation": _activation,
    "Add": _add,
    "AttributeMaps": _attribute_maps,
    "BetaMean": _beta_mean,
    "Concatenate": _concatenate,
    "Conv2D": _convolve,
    "Conv2DTranspose": _transpose,
    "CropFirst": _crop_first,
    "Dense": _dense,
    "ELU": _elu,
    "ExpandAttributes": _expand,
    "Flatten": _flatten,
    "GlobalAveragePooling2D": _average,
    "InstanceNormalization": _instance_norm,
    "InverseAutoregressiveFlow": _flow,
    "LeakyReLU": _leaky,
    "MinibatchDiscrimination": _compare_images,
    "MultiscaleDilatedConv2D": _multiscale,
    "NearestUpsampling2D": _double,
    "PortableReLU": _leaky,
    "ReLU": _leaky,
    "ReflectionPadding2D": _reflect,
    "Rescaling": _rescale,
    "Reshape": _reshape,
    "Split": _split,
    "UnitNormalization": _unit,
    "ZeroPadding2D": _zero_pad,
}
