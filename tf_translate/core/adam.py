"""Adam in one pass over the weights."""

from typing import Any, get_args

import keras
import tensorflow as tf

from tf_translate.config.settings import EpsilonForm
from tf_translate.layers.cpu import enabled, enabled_kernels


@keras.saving.register_keras_serializable("tf_translate")
class Adam(keras.optimizers.Adam):
    """Adam by TensorFlow's own kernel, which reads and writes every weight once.

    Keras computes the same equations by eight operations, each a pass through memory. For the
    54 million weights of pix2pix's U-Net that takes four times as long on a CPU. State and
    checkpoints are those of `keras.optimizers.Adam`.

    With m and v the moments after t updates, update t subtracts
    `learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)`. With
    `epsilon_form` "after_bias_correction", `epsilon * sqrt(1 - beta_2^t)` takes the place of
    epsilon: it is then added to the root of `v / (1 - beta_2^t)`.

    Sparse gradients and `amsgrad` are left to Keras, and so is everything while the CPU kernel
    `adam` is switched off (`layers/cpu/switch.py`).

    Args:
        *args: As for `keras.optimizers.Adam`.
        epsilon_form: "before_bias_correction" as in Keras, TensorFlow, Torch7, Lasagne and PyTorch
            up to 1.2, or "after_bias_correction" as in PyTorch from 1.3 on.
        **kwargs: As for `keras.optimizers.Adam`; `epsilon` is 1e-7 by default.

    Raises:
        ValueError: If there is no such form.

    Source: Kingma & Ba 2015, https://arxiv.org/abs/1412.6980: algorithm 1 is the form "after",
    the order at the end of section 2 the form "before".
    """

    epsilon: Any  # a tensor while Keras updates in the form "after_bias_correction"
    _step_arguments: dict | None = None  # by dtype, while one step updates all variables

    def __init__(
        self, *args: Any, epsilon_form: EpsilonForm = "before_bias_correction", **kwargs: Any
    ):
        enabled_kernels()  # raises here if the environment names an unknown kernel
        if epsilon_form not in get_args(EpsilonForm):
            forms = " or ".join(repr(form) for form in get_args(EpsilonForm))
            raise ValueError(f"`epsilon_form` must be {forms}, got {epsilon_form!r}")
        super().__init__(*args, **kwargs)
        self.epsilon_form = epsilon_form

    def _distributed_tf_update_step(self, distribution, grads_and_vars, learning_rate):
        self._step_arguments = {}
        try:
            super()._distributed_tf_update_step(distribution, grads_and_vars, learning_rate)
        finally:
            self._step_arguments = None

    def _kernel_arguments(self, dtype) -> dict:
        """The kernel's arguments that are the same for all variables of a dtype in a step."""
        # Once a step: computed for each variable, they were an eighth of a step's operations.
        known = {} if self._step_arguments is None else self._step_arguments
        if dtype.name not in known:
            step = tf.cast(self.iterations + 1, tf.float64)
            betas = [tf.constant(beta, tf.float64) for beta in (self.beta_1, self.beta_2)]
            powers = [tf.cast(tf.pow(beta, step), dtype) for beta in betas]
            known[dtype.name] = {
                "beta1_power": powers[0],
                "beta2_power": powers[1],
                "beta1": tf.cast(betas[0], dtype),
                "beta2": tf.cast(betas[1], dtype),
                "epsilon": tf.cast(self._epsilon_of_step(), dtype),
            }
        return known[dtype.name]

    def _epsilon_of_step(self):
        """What this step adds to the root of the uncorrected second moment."""
        if self.epsilon_form == "before_bias_correction":
            return self.epsilon
        step = tf.cast(self.iterations + 1, tf.float64)
        return self.epsilon * tf.sqrt(1.0 - tf.pow(tf.constant(self.beta_2, tf.float64), step))

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable and its two moments by a gradient of the same shape."""
        sparse = isinstance(gradient, tf.IndexedSlices)
        if self.amsgrad or sparse or not enabled("adam"):
            self._update_by_keras(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        weights, first, second = (
            each.value if isinstance(each, keras.Variable) else each
            for each in (variable, self._momentums[index], self._velocities[index])
        )
        dtype = weights.dtype
        tf.raw_ops.ResourceApplyAdam(
            var=weights.handle,
            m=first.handle,
            v=second.handle,
            lr=tf.cast(learning_rate, dtype),
            grad=tf.cast(gradient, dtype),
            **self._kernel_arguments(dtype),
        )

    def _update_by_keras(self, gradient, variable, learning_rate):
        if self.epsilon_form == "before_bias_correction":
            super().update_step(gradient, variable, learning_rate)
            return
        epsilon = self.epsilon
        self.epsilon = tf.cast(self._epsilon_of_step(), variable.dtype)  # what Keras's update reads
        try:
            super().update_step(gradient, variable, learning_rate)
        finally:
            self.epsilon = epsilon

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon_form": self.epsilon_form}
