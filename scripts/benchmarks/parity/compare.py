"""Compares the steps of both sides: losses, gradients, and weights in units of a step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]

LOSSES = 1e-4  # largest relative difference of a logged loss
WEIGHTS = 0.05  # largest root mean square difference of a player's weights, in steps
OUTLIER = 0.5  # a weight that differs by more steps than this is listed
# Largest relative difference of a network's gradients in its player's first turn. Adam hides a
# wrong factor of all losses of a player, gradients do not. In later turns weights differ by
# rounding, and one ReLU on the other side of 0 changes gradients of small networks by some percent.
GRADIENTS = 1e-3
# Largest difference of batch norm's moving averages. Biases whose gradient is zero shift the means.
AVERAGES = 1e-3
_ZERO = 1e-10  # gradients below this fraction of the player's largest are zero in float64
_LISTED = 20  # outliers of a stage that are listed one by one


class MissingValueError(Exception):
    """One side has losses, weights or gradients that the other side has not."""


@dataclass(frozen=True)
class Difference:
    """The largest difference of a kind, and what has it.

    Attributes:
        value: The difference; its unit depends on the kind.
        name: What differs so much.
    """

    value: float
    name: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"value": self.value, "name": self.name}


def compare(ours: Arrays, other: Arrays) -> dict[str, Any]:
    """Compares the results of one stage.

    Args:
        ours: What `ours.take_steps` returns.
        other: What `run.Run.finish` returns: the same names and, by player, `step/PLAYER`, the
            root mean square of what one update added to its weights before any clipping.

    Returns:
        losses: The largest relative difference of a loss.
        gradients: The largest relative difference (of norms) of a network's gradients in the first
            turn of its player.
        later_gradients: The same in later turns.
        weights: By player, how many weights were compared, the root mean square and the largest
            of their differences in steps.
        outliers: The weights that differ by more than `OUTLIER` steps, with the gradients of both
            sides in each turn and `typical`, the root mean square of the player's gradients.
        zero_gradients: How many weights have a gradient of zero in float64, because a norm cancels
            them or they meet only padding, and their largest difference in steps. In float32
            rounding moves them. They change no output, and `weights` leaves them out.
        averages: The largest difference of values that no optimizer moves, such as the moving
            averages of batch norm: of moving means relative to their features' root mean square,
            of all others relative to the values.

    Raises:
        MissingValueError: If names or shapes differ.
    """
    _check_names(ours, other)
    moved: set[str] = set()
    result: dict[str, Any] = {
        "losses": _losses(ours, other).as_dict(),
        "gradients": _gradients(ours, other, first=True).as_dict(),
        "later_gradients": _gradients(ours, other, first=False).as_dict(),
        "weights": {},
        "outliers": {"count": 0, "listed": []},
        "zero_gradients": {"count": 0, "largest": 0.0},
    }
    for player in (key.removeprefix("step/") for key in other if key.startswith("step/")):
        moved |= _compare_player(player, ours, other, result)
    result["averages"] = _averages(ours, other, moved).as_dict()
    return result


def failures(result: Mapping[str, Any]) -> list[str]:
    """What of a stage's comparison is beyond its limit, in words; empty if nothing is."""
    found = []
    limits = {"losses": LOSSES, "gradients": GRADIENTS, "averages": AVERAGES}
    for kind, limit in limits.items():
        largest = result[kind]
        if not largest["value"] <= limit:  # also if it is not a number
            found.append(f"{kind}: {largest['name']} differs by {largest['value']:.2g}")
    for player, weights in result["weights"].items():
        if not weights["rms"] <= WEIGHTS:
            found.append(f"weights of {player} differ by {weights['rms']:.2g} steps (rms)")
    return found


def _check_names(ours: Arrays, other: Arrays) -> None:
    shapes = {name: np.shape(value) for name, value in ours.items()}
    others = {n: np.shape(v) for n, v in other.items() if not n.startswith("step/")}
    differing = sorted(set(shapes.items()) ^ set(others.items()))
    if differing:
        name, shape = differing[0]
        side = "ours" if shapes.get(name) == shape else "the independent one"
        raise MissingValueError(f"only {side} has {name} of shape {shape}")


def _losses(ours: Arrays, other: Arrays) -> Difference:
    differences = []
    for key in (key for key in other if key.startswith("losses/")):
        _, step, term = key.split("/")
        name = f"{term} in step {int(step) + 1}"
        differences.append(Difference(_relative(ours[key], other[key]), name))
    return _largest(differences)


def _gradients(ours: Arrays, other: Arrays, *, first: bool) -> Difference:
    """The norm of the difference of a network's gradients, relative to that of its gradients."""
    turns: dict[str, list[str]] = {}
    for key in (key for key in other if key.startswith("gradients/")):
        _, player, turn, network, _ = key.split("/", 4)
        if (turn == "0") == first:
            name = f"{network} in turn {int(turn) + 1} of {player}"
            turns.setdefault(name, []).append(key)
    differences = []
    for name, keys in turns.items():
        one, two = (_flat(side, keys) for side in (ours, other))
        differences.append(Difference(_relative(one, two), name))
    return _largest(differences)


def _compare_player(player: str, ours: Arrays, other: Arrays, result: dict[str, Any]) -> set[str]:
    """Adds a player's weights, outliers and cancelled weights; returns the weights' names."""
    step = float(other[f"step/{player}"])
    prefix = f"gradients/{player}/"
    turns = sorted({int(key.split("/", 3)[2]) for key in other if key.startswith(prefix)})
    names = [key.split("/", 3)[3] for key in other if key.startswith(f"{prefix}{turns[0]}/")]
    by_turn = {
        side: [_flat(values, [f"{prefix}{turn}/{name}" for name in names]) for turn in turns]
        for side, values in (("ours", ours), ("independent", other))
    }
    sizes = np.max(np.abs(by_turn["independent"]), axis=0)
    zero = sizes <= _ZERO * sizes.max()
    ends = [f"end/{name}" for name in names]
    differences = (_flat(ours, ends) - _flat(other, ends)) / step
    compared = differences[~zero]
    result["weights"][player] = {
        "count": int(compared.size),
        "rms": float(np.sqrt(np.mean(compared**2))),
        "largest": float(np.abs(compared).max()),
        "step": step,
    }
    unmoved = result["zero_gradients"]
    unmoved["count"] += int(zero.sum())
    largest = float(np.abs(differences[zero]).max(initial=0))
    unmoved["largest"] = max(unmoved["largest"], largest)
    far = np.flatnonzero((np.abs(differences) > OUTLIER) & ~zero)
    result["outliers"]["count"] += int(far.size)
    typical = float(np.sqrt(np.mean(np.square(by_turn["independent"]))))
    places = _places(names, [other[key].shape for key in ends])
    for index in sorted(far, key=lambda i: -abs(differences[i]))[:_LISTED]:
        outlier = {"weight": places(index), "steps": float(differences[index]), "typical": typical}
        for side, gradients in by_turn.items():
            outlier[f"{side} gradients"] = [float(each[index]) for each in gradients]
        result["outliers"]["listed"].append(outlier)
    return set(ends)


def _averages(ours: Arrays, other: Arrays, moved: set[str]) -> Difference:
    differences = []
    for key in (key for key in other if key.startswith("end/") and key not in moved):
        reference = other[key]
        if key.endswith("/moving_mean"):
            variance = other[key.removesuffix("mean") + "variance"]
            reference = np.sqrt(reference**2 + variance)
        relative = _relative(ours[key], other[key], reference)
        differences.append(Difference(relative, key.removeprefix("end/")))
    return _largest(differences)


def _places(names: Sequence[str], shapes: Sequence[tuple[int, ...]]):
    """A function from the index of a value among all weights to its name and index in it."""
    starts = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])

    def place(index: int) -> str:
        which = int(np.searchsorted(starts, index, side="right")) - 1
        inside = np.unravel_index(index - starts[which], shapes[which])
        return f"{names[which]}[{', '.join(str(int(each)) for each in inside)}]"

    return place


def _flat(values: Arrays, keys: Sequence[str]) -> np.ndarray:
    return np.concatenate([np.ravel(values[key]).astype(np.float64) for key in keys])


def _relative(value: np.ndarray, other: np.ndarray, reference: np.ndarray | None = None) -> float:
    """The norm of the difference, relative to that of the reference; `other` by default."""
    difference = np.linalg.norm(np.ravel(np.float64(value) - other))
    if difference == 0:
        return 0.0
    norm = np.linalg.norm(np.ravel(other if reference is None else reference))
    return float(difference / max(norm, np.finfo(np.float64).tiny))


def _largest(differences: Sequence[Difference]) -> Difference:
    return max(
        differences,
        key=lambda each: np.inf if np.isnan(each.value) else each.value,
        default=Difference(0.0, ""),
    )
