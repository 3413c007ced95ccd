"""The multiscale dilated convolution of IAN: one kernel at several dilations."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_translate.layers.introspective.dilated_convolution import convolve_dilated

_SIDE = 3  # of the kernel


@keras.saving.register_keras_serializable("tf_translate")
class MultiscaleDilatedConv2D(keras.layers.Layer):
    """Convolves with one 3x3 kernel W at several dilations and adds the results up.

    The output is the sum of the convolutions by W itself and by W at each scale of a list. A scale
    of 2 or more is a dilation; scale 0 is a 1x1 convolution by the mean of W's nine taps. Each
    summand has a learned coefficient for each filter; all start at 1 / (1 + number of scales), so
    that the sum is a mean at first. Stride 1, padding "same", no bias.

    Args:
        filters: Output channels; positive.
        scales: Scales besides that of W itself, each 0 or 2 and more, each once.
        **kwargs: As for any layer.

    Call arguments:
        features: `(batch, height, width, channels)`, float.

    Returns:
        `(batch, height, width, filters)`, the layer's compute dtype.

    Raises:
        ValueError: If `filters` is not positive, or a scale is 1, negative or repeated.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, multiscale dilated convolution
    blocks; coefficients and N(0, 0.02) for W as in layers.py of
    github.com/ajbrock/Neural-Photo-Editor.
    """

    def __init__(self, filters: int, scales: Sequence[int], **kwargs):
        if filters < 1:
            raise ValueError(f"`filters` must be positive, got {filters}")
        if len(set(scales)) < len(scales) or any(each < 0 or each == 1 for each in scales):
            raise ValueError(
                f"`scales` must be 0 or at least 2, each once (W itself is scale 1), got "
                f"{list(scales)}"
            )
        super().__init__(**kwargs)
        self.filters = filters
        self.scales = [int(each) for each in scales]

    def build(self, input_shape):
        summands = 1 + len(self.scales)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(_SIDE, _SIDE, input_shape[-1], self.filters),
            initializer=keras.initializers.RandomNormal(0.0, 0.02),
        )
        self.coefficients = self.add_weight(
            name="coefficients",  # W's own first, then those of the scales
            shape=(summands, self.filters),
            initializer=keras.initializers.Constant(1.0 / summands),
        )
        self.built = True

    def call(self, features):
        kernel = tf.convert_to_tensor(self.kernel)
        coefficients = tf.unstack(tf.convert_to_tensor(self.coefficients))
        by_scale = dict(zip(self.scales, coefficients[1:], strict=True))
        undilated = kernel * coefficients[0]
        if 0 in by_scale:  # a 1x1 kernel is the middle tap of a 3x3 kernel
            mean = by_scale.pop(0) * tf.reduce_mean(kernel, [0, 1], keepdims=True)
            undilated += tf.pad(mean, [[1, 1], [1, 1], [0, 0], [0, 0]])
        result = tf.nn.conv2d(features, undilated, 1, "SAME")
        for rate, coefficient in by_scale.items():
            result += convolve_dilated(features, kernel * coefficient, rate)
        return result

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "scales": self.scales}
