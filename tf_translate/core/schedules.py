"""Values that change with the training step, as pure functions of it."""

from collections.abc import Sequence

import keras
import tensorflow as tf


class Schedule:
    """A term's weight over time: a callable from step (int64 scalar) to float32 scalar."""

    def __call__(self, step):
        """Gives the value at `step`."""
        raise NotImplementedError

    def get_config(self) -> dict:
        """Constructor arguments, for saving."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict) -> "Schedule":
        """Rebuilds the schedule."""
        return cls(**config)


@keras.saving.register_keras_serializable("tf_translate")
class LinearRamp(Schedule):
    """Rises linearly from 0 to `end` over `steps`, then stays constant.

    Args:
        end: Final value.
        steps: Steps of the ramp; at least 1.
        start: First step of the ramp; before it the value is 0.

    Source: Fader Networks, https://arxiv.org/abs/1706.00409, lambda_E.
    """

    def __init__(self, end: float, steps: int, start: int = 0):
        if steps < 1:
            raise ValueError(f"`steps` must be at least 1, got {steps}")
        self.end = end
        self.steps = steps
        self.start = start

    def __call__(self, step):
        """Gives the value at `step`."""
        fraction = (tf.cast(step, tf.float32) - float(self.start)) / float(self.steps)
        return self.end * tf.clip_by_value(fraction, 0.0, 1.0)

    def __str__(self) -> str:
        return (
            f"linear from 0 at step {self.start:,} to {self.end:g} at step "
            f"{self.start + self.steps:,}"
        )

    def get_config(self) -> dict:
        """Constructor arguments."""
        return {"end": self.end, "steps": self.steps, "start": self.start}


@keras.saving.register_keras_serializable("tf_translate")
class Switch(Schedule):
    """One value before a step, another from that step on.

    Args:
        before, after: The two values.
        step: First step that gets `after`.

    Source: DiscoGAN's code, github.com/SKTBrain/DiscoGAN (starting_rate, gan_curriculum).
    """

    def __init__(self, before: float, after: float, step: int):
        self.before = before
        self.after = after
        self.step = step

    def __call__(self, step):
        """Gives the value at `step`."""
        return tf.where(step < self.step, float(self.before), float(self.after))

    def __str__(self) -> str:
        return f"{self.before:g} in the first {self.step:,} steps, then {self.after:g}"

    def get_config(self) -> dict:
        """Constructor arguments."""
        return {"before": self.before, "after": self.after, "step": self.step}


@keras.saving.register_keras_serializable("tf_translate")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is constant, then decays linearly to 0.

    Args:
        initial: Rate of the constant part; positive.
        constant_steps: Steps before the decay.
        decay_steps: Steps of the decay; at least 1.

    Source: CycleGAN, https://arxiv.org/abs/1703.10593, section 4: 100 epochs constant, 100
    epochs linearly to zero; half the rate at epoch 150.
    """

    def __init__(self, initial: float, constant_steps: int, decay_steps: int):
        if initial <= 0 or constant_steps < 0 or decay_steps < 1:
            raise ValueError(
                "`initial` must be positive, `constant_steps` 0 or more and `decay_steps` at "
                f"least 1, got {initial}, {constant_steps}, {decay_steps}"
            )
        self.initial = initial
        self.constant_steps = constant_steps
        self.decay_steps = decay_steps

    def __call__(self, step):
        """Gives the rate at `step`."""
        past = tf.cast(step, tf.float32) - float(self.constant_steps)
        left = 1.0 - past / float(self.decay_steps)
        return self.initial * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict:
        """Constructor arguments."""
        return {
            "initial": self.initial,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
        }


@keras.saving.register_keras_serializable("tf_translate")
class PiecewiseConstant(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that jumps to another value at given steps and is constant between them.

    Keras's `PiecewiseConstantDecay` keeps the old rate at the boundary itself, one update longer.

    Args:
        boundaries: First steps of each new rate, ascending; 1 or more.
        rates: The rate before the first boundary, then one from each boundary on; positive.

    Source: IAN, https://arxiv.org/abs/1609.07093, in IAN.py of its code: 2e-4, and 1e-4, 5e-5 and
    1e-5 from epochs 25, 50 and 75 on.
    """

    def __init__(self, boundaries: Sequence[int], rates: Sequence[float]):
        ascending = list(boundaries) == sorted(set(boundaries)) and min(boundaries, default=1) > 0
        if not ascending or len(rates) != len(boundaries) + 1 or min(rates) <= 0:
            raise ValueError(
                "`boundaries` must ascend from 1 or more, and `rates` be positive and one more, "
                f"got {list(boundaries)} and {list(rates)}"
            )
        self.boundaries = list(boundaries)
        self.rates = list(rates)

    def __call__(self, step):
        """Gives the rate at `step`."""
        passed = tf.cast(step, tf.int64) >= tf.constant(self.boundaries, tf.int64)
        return tf.gather(tf.constant(self.rates, tf.float32), tf.math.count_nonzero(passed))

    def get_config(self) -> dict:
        """Constructor arguments."""
        return {"boundaries": self.boundaries, "rates": self.rates}
