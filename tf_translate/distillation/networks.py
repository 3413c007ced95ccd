"""Networks of a distillation: students, and the projections of their activations."""

from collections.abc import Sequence

import keras
import numpy as np

from tf_translate.distillation.student_settings import StudentSettings
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.networks.mobile import mobile_resnet, mobile_unet
from tf_translate.networks.taps import tap_names, with_taps

DEPTHS = 4  # at which channels are compared; Ren et al. 2021


def student_network(
    settings: StudentSettings,
    shape: tuple[int, int, int],
    out_channels: int,
    *,
    input_skip: bool,
    name: str,
) -> keras.Model:
    """Builds a student from images of a shape to images of `out_channels` channels.

    Args:
        settings: Its settings.
        shape: `(height, width, channels)` of its inputs.
        out_channels: Channels of its outputs.
        input_skip: Used unless the settings say otherwise.
        name: Name of the model.

    Raises:
        ValueError: If the sides of the images do not fit the network.
    """
    shared = settings.model_dump(include={"base_filters", "stem", "head", "norm"})
    if settings.input_skip is not None:
        input_skip = settings.input_skip
    shared |= {"input_skip": input_skip and shape[-1] == out_channels, "name": name}
    if settings.network == "mobile_unet":
        return mobile_unet(shape, out_channels, num_downsamples=settings.num_downsamples, **shared)
    return mobile_resnet(shape, out_channels, residual_blocks=settings.residual_blocks, **shared)


def depths(network: keras.Model) -> list[str]:
    """Names of `DEPTHS` taps of a network, from its first to its last, evenly spaced."""
    names = tap_names(network)
    return [names[round(index)] for index in np.linspace(0, len(names) - 1, DEPTHS)]


def with_depths(network: keras.Model) -> keras.Model:
    """A view of a network that returns its image and the activations at its `depths`."""
    activations = with_taps(network, depths(network)).outputs
    return keras.Model(
        network.inputs, [network.output, *activations], name=f"{network.name}_depths"
    )


def projections(student: keras.Model, teacher: keras.Model, *, name: str) -> keras.Model:
    """Builds the projections of a student's activations to the channels of its teacher's.

    Returns:
        From the student's activations at its `depths` to as many with the teacher's channels, each
        by a 1x1 convolution, batch norm and ReLU.

    Source: github.com/bytedance/OMGD, `build_feature_connector`.
    """
    inputs = [keras.Input(each.shape[1:]) for each in _activations(student)]
    widths = [each.shape[-1] for each in _activations(teacher)]
    outputs = [_project(each, width) for each, width in zip(inputs, widths, strict=True)]
    return keras.Model(inputs, outputs, name=name)


def _activations(network: keras.Model) -> Sequence:
    return with_taps(network, depths(network)).outputs


def _project(activations, channels: int):
    start = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    projected = keras.layers.Conv2D(channels, 1, use_bias=False, kernel_initializer=start)(
        activations
    )
    return keras.layers.ReLU()(BatchNormalization()(projected))
