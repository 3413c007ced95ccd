"""ReLUs with a gradient that TFLite can run, and networks rebuilt with them."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
def portable_relu(features: tf.Tensor) -> tf.Tensor:
    """ReLU with a gradient written in operations that TFLite has: it has no ReluGrad."""
    return _relu(features, 0.0, 0.0)


@keras.saving.register_keras_serializable("tf_translate")
class PortableReLU(keras.layers.Layer):
    """ReLU, leaky or not, with a gradient written in operations that TFLite has.

    TensorFlow computes it with ReluGrad and LeakyReluGrad. In our networks, these operations alone
    keep a gradient with respect to an input from being converted.

    Args:
        negative_slope: Gradient below 0; 0.2 for the leaky ReLUs of the GAN papers.
        relu_gradient_width: Width w over which the gradient rises linearly from `negative_slope`
            at -w/2 to 1 at w/2; values stay those of a ReLU. 0 is the true gradient. A rounding
            error can put a feature on the other side of 0, which sends the search for a latent
            elsewhere; with a smoothed gradient this hardly happens.
        **kwargs: As for any layer.

    Call arguments:
        features: Any shape, any float dtype.

    Returns:
        Same shape and dtype.

    Raises:
        ValueError: If `negative_slope` or `relu_gradient_width` is negative.
    """

    def __init__(
        self, negative_slope: float = 0.0, relu_gradient_width: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        for name, value in (
            ("negative_slope", negative_slope),
            ("relu_gradient_width", relu_gradient_width),
        ):
            if value < 0:
                raise ValueError(f"`{name}` must be 0 or more, got {value}")
        self.negative_slope, self.relu_gradient_width = (
            float(negative_slope),
            float(relu_gradient_width),
        )

    def call(self, features):
        return _relu(features, self.negative_slope, self.relu_gradient_width)

    def get_config(self):
        own = {
            "negative_slope": self.negative_slope,
            "relu_gradient_width": self.relu_gradient_width,
        }
        return {**super().get_config(), **own}


def with_portable_relus(network: keras.Model, relu_gradient_width: float = 0.0) -> keras.Model:
    """The same network with every ReLU replaced by `PortableReLU`.

    The two networks share their other layers, so training one changes both. A layer whose
    activation is a ReLU gets `portable_relu` itself, which computes the same values.

    Args:
        network: Functional or Sequential, built; networks inside it are treated alike.
        relu_gradient_width: As of `PortableReLU`; ReLUs that are activations of a layer have none.

    Returns:
        A network to be differentiated in a deployed graph. It cannot be saved.
    """
    return keras.models.clone_model(
        network, clone_function=lambda one: _portable(one, relu_gradient_width)
    )


def _portable(layer: keras.layers.Layer, relu_gradient_width: float) -> keras.layers.Layer:
    if isinstance(layer, keras.layers.InputLayer):
        return keras.layers.InputLayer.from_config(layer.get_config())
    if isinstance(layer, keras.Sequential) or hasattr(layer, "operations"):
        return with_portable_relus(layer, relu_gradient_width)
    relu = isinstance(layer, keras.layers.ReLU)
    if relu and (layer.max_value is not None or layer.threshold):
        return layer
    if relu or isinstance(layer, PortableReLU | keras.layers.LeakyReLU):
        same = {
            "dtype": layer.dtype_policy,
            "name": layer.name,
        }  # lint reports name the original layer
        return PortableReLU(layer.negative_slope, relu_gradient_width, **same)
    if getattr(layer, "activation", None) is keras.activations.relu:
        layer.activation = portable_relu
    return layer


def _relu(features, negative_slope: float, relu_gradient_width: float):
    @tf.custom_gradient
    def relu(values):
        def gradient(upstream):
            if relu_gradient_width:
                above = tf.clip_by_value(values / relu_gradient_width + 0.5, 0.0, 1.0)
                return (negative_slope + (1.0 - negative_slope) * above) * upstream
            below = tf.constant(negative_slope, upstream.dtype) * upstream
            return tf.where(values > 0, upstream, below)

        if negative_slope:
            return tf.nn.leaky_relu(values, negative_slope), gradient
        return tf.nn.relu(values), gradient

    return relu(features)
