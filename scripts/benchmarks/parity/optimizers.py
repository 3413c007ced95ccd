"""The optimizers' equations, for NumPy arrays and PyTorch tensors alike.

Written from Kingma & Ba 2015 (Adam) and Hinton's lecture 6e (RMSProp), not from Keras.
"""

from collections.abc import Mapping
from typing import Any, Protocol

_AFTER = {"before_bias_correction": False, "after_bias_correction": True}


class Optimizer(Protocol):
    """Turns gradients into moves of weights, and keeps what it needs from turn to turn."""

    def moves(self, gradients: Mapping[str, Any]) -> dict[str, Any]:
        """What one update adds to each weight.

        Args:
            gradients: By weight, arrays of its shape.
        """


class Adam:
    """Adam, with its epsilon before or after the correction of the second moment's bias.

    "after_bias_correction" is algorithm 1 of the paper, as in PyTorch: the move is
    -rate * m' / (sqrt(v') + epsilon) with the corrected moments m' and v'.
    "before_bias_correction" is the order at the end of the paper's section 2, as in TensorFlow and
    Torch7: -rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon).

    Args:
        learning_rate, beta_1, beta_2, epsilon: As in the paper; epsilon as in Keras by default.
        epsilon_form: One of the two.
    """

    def __init__(
        self,
        learning_rate: float,
        beta_1: float,
        beta_2: float,
        epsilon: float = 1e-7,
        epsilon_form: str = "before_bias_correction",
    ) -> None:
        self._rate, self._betas, self._epsilon = learning_rate, (beta_1, beta_2), epsilon
        self._after = _AFTER[epsilon_form]
        self._turns = 0
        self._moments: dict[str, tuple[Any, Any]] = {}

    def moves(self, gradients: Mapping[str, Any]) -> dict[str, Any]:
        """See `Optimizer.moves`."""
        self._turns += 1
        first_beta, second_beta = self._betas
        corrections = 1 - first_beta**self._turns, 1 - second_beta**self._turns
        moves = {}
        for name, gradient in gradients.items():
            first, second = self._moments.get(name, (0.0, 0.0))
            first = first_beta * first + (1 - first_beta) * gradient
            second = second_beta * second + (1 - second_beta) * gradient**2
            self._moments[name] = first, second
            if self._after:
                root = (second / corrections[1]) ** 0.5 + self._epsilon
                moves[name] = -self._rate * (first / corrections[0]) / root
            else:
                rate = self._rate * corrections[1] ** 0.5 / corrections[0]
                moves[name] = -rate * first / (second**0.5 + self._epsilon)
        return moves


class RMSProp:
    """RMSProp as in TensorFlow 1: -rate * g / sqrt(s + epsilon), s the mean square of gradients.

    Args:
        learning_rate: Factor of the moves.
        rho: How much of the mean square each turn keeps.
        epsilon: Added inside the root.
        initial_mean_square: The mean square before the first turn.
    """

    def __init__(
        self, learning_rate: float, rho: float, epsilon: float, initial_mean_square: float = 0.0
    ) -> None:
        self._rate, self._rho, self._epsilon = learning_rate, rho, epsilon
        self._start = initial_mean_square
        self._mean_squares: dict[str, Any] = {}

    def moves(self, gradients: Mapping[str, Any]) -> dict[str, Any]:
        """See `Optimizer.moves`."""
        moves = {}
        for name, gradient in gradients.items():
            mean_square = self._mean_squares.get(name, self._start)
            mean_square = self._rho * mean_square + (1 - self._rho) * gradient**2
            self._mean_squares[name] = mean_square
            moves[name] = -self._rate * gradient / (mean_square + self._epsilon) ** 0.5
        return moves


_KINDS: dict[str, type] = {"adam": Adam, "rmsprop": RMSProp}


def from_settings(settings: Mapping[str, Any]) -> Optimizer:
    """Makes the optimizer that a method's settings describe: `kind` and its arguments."""
    kind = settings["kind"]
    arguments = {name: value for name, value in settings.items() if name != "kind"}
    return _KINDS[kind](**arguments)
