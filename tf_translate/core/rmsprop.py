"""RMSProp with the mean square it starts from."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("tf_translate")
class RMSprop(keras.optimizers.RMSprop):
    """Keras's RMSProp, whose mean square of the gradients may start at another value than 0.

    Started at 1, as in TensorFlow 1, small gradients move weights little at first: the mean
    square s falls by the factor rho in each update until it reaches that of the gradients.
    Update t: `s = rho * s + (1 - rho) * g^2`, then the weight moves by
    `-learning_rate * g / sqrt(s + epsilon)`.

    Args:
        *args: As for `keras.optimizers.RMSprop`.
        initial_mean_square: The mean square before the first update, 0 or more; 0 as in Keras.
        **kwargs: As for `keras.optimizers.RMSprop`.

    Raises:
        ValueError: If `initial_mean_square` is negative or not finite.

    Source: `tf.compat.v1.train.RMSPropOptimizer`, whose slot `rms` starts at 1.
    """

    def __init__(self, *args: Any, initial_mean_square: float = 0.0, **kwargs: Any):
        if not 0 <= initial_mean_square < float("inf"):
            raise ValueError(f"`initial_mean_square` must be 0 or more, got {initial_mean_square}")
        super().__init__(*args, **kwargs)
        self.initial_mean_square = initial_mean_square

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """Adds a variable for each weight; the mean squares, "velocity", start as chosen."""
        if name == "velocity":
            initializer = keras.initializers.Constant(self.initial_mean_square)
        return super().add_optimizer_variables(trainable_variables, name, initializer)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {**super().get_config(), "initial_mean_square": self.initial_mean_square}
