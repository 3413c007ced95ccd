"""The optimizers of all players, as Keras's callbacks read them."""

from collections.abc import Mapping
from typing import Any

import keras


class PlayerOptimizers:
    """`optimizer` of a translator, which has one optimizer for each player.

    `keras.callbacks.LearningRateScheduler` and `ReduceLROnPlateau` change the rate of each of
    `optimizers`, from its own. In logs they are `learning_rate_PLAYER`.

    Args:
        optimizers: Built optimizers by player.
        steps_taken: The translator's count of training steps.
    """

    built = True  # as the players' optimizers are

    def __init__(self, optimizers: Mapping[str, keras.optimizers.Optimizer], steps_taken: Any):
        self.optimizers = [PlayerOptimizer(*each) for each in optimizers.items()]
        self.iterations = steps_taken
        self.variables = [each for optimizer in optimizers.values() for each in optimizer.variables]


class PlayerOptimizer:
    """The learning rate of one player, which callbacks may set.

    Args:
        name: Name of the player.
        optimizer: Its optimizer.
    """

    def __init__(self, name: str, optimizer: keras.optimizers.Optimizer):
        self.name = name
        self._optimizer = optimizer

    @property
    def learning_rate(self):
        """The current learning rate."""
        return self._optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        optimizer = getattr(self._optimizer, "inner_optimizer", self._optimizer)
        if isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                f"the learning rate of {self.name!r} follows a "
                f"{type(optimizer._learning_rate).__name__}, so callbacks cannot set it: compile "
                "with an optimizer of a constant rate"
            )
        optimizer.learning_rate = rate
