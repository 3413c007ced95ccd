"""scripts/bench parity: what it records and compares, on a linear network and NumPy's gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from scripts.benchmarks.parity import compare, optimizers
from scripts.benchmarks.parity.cases import CASES
from scripts.benchmarks.parity.ours import take_steps, weight_values
from tf_translate.config.settings import AdamSettings, MethodSettings, RMSpropSettings
from tf_translate.core.loss_terms import content, regularization
from tf_translate.core.player import Player
from tf_translate.core.translator import Translator
from tf_translate.methods import registry

_ERROR, _DECAY = 3.0, 0.1  # weights of the two loss terms
_KERNEL, _BIAS = "line/layer/kernel", "line/layer/bias"


class Line(Translator):
    """x W + b, fitted to y by 3 mean((x W + b - y)^2) + .1 sum(W^2 + b^2) / 2; two turns a step."""

    layout = "paired"
    terms = (
        content("error", weight=_ERROR, source="this test"),
        regularization("decay", weight=_DECAY, source="this test"),
    )
    players = (Player("line", ("line",), "objective", ("error", "decay"), microbatches=(0, 1)),)

    def image_shapes(self):
        return {"a": (3,), "b": (2,)}

    def objective(self, batch, shared):
        decay = sum(tf.nn.l2_loss(each.value) for each in self.line.trainable_variables)
        error = tf.reduce_mean(tf.square(self.line(batch["a"]) - batch["b"]))
        return {"error": error, "decay": decay}


@pytest.mark.parametrize(
    "settings",
    [AdamSettings(learning_rate=0.01), RMSpropSettings(learning_rate=0.01)],
    ids=lambda settings: settings.kind,
)
def test_equal_steps_pass_and_a_wrong_loss_weight_is_found(settings):
    random = np.random.default_rng(0)
    batches = [{"a": random.normal(size=(8, 3)), "b": random.normal(size=(8, 2))} for _ in range(2)]
    inputs = keras.Input((3,))
    network = keras.Model(inputs, keras.layers.Dense(2, name="layer")(inputs))
    translator = Line(networks={"line": network}, settings=MethodSettings(optimizer=settings))
    translator.compile()
    start = weight_values(translator)
    ours = take_steps(
        translator, [{key: value.astype(np.float32) for key, value in b.items()} for b in batches]
    )
    assert not compare.failures(compare.compare(ours, _by_hand(start, batches, settings, _ERROR)))
    wrong = _by_hand(start, batches, settings, 0.9 * _ERROR)
    found = compare.failures(compare.compare(ours, wrong))
    assert any(failure.startswith("gradients: line in turn 1 of line") for failure in found)
    no_decay = _by_hand(start, batches, settings, _ERROR, decay=0.0)
    found = compare.failures(compare.compare(ours, no_decay))
    assert any(failure.startswith("weights of line differ") for failure in found)


def _by_hand(start, batches, settings, error, decay=_DECAY):
    """The same steps in NumPy: d/dW mean(r^2) = 2 x^T r / (n m), d/db mean(r^2) = 2 sum(r) / (n m).

    r = x W + b - y has n rows and m columns.
    """
    optimizer = optimizers.from_settings(settings.model_dump())
    weights = {name: value.astype(np.float64) for name, value in start.items()}
    results, squares = {}, []
    for turn in range(4):  # two in each step, on every second row from 0 and from 1 on
        batch = {key: value[turn % 2 :: 2] for key, value in batches[turn // 2].items()}
        residuals = batch["a"] @ weights[_KERNEL] + weights[_BIAS] - batch["b"]
        results[f"error {turn}"] = np.mean(residuals**2)
        results[f"decay {turn}"] = sum(np.sum(value**2) for value in weights.values()) / 2
        factor = 2 * error / residuals.size
        gradients = {
            _KERNEL: factor * batch["a"].T @ residuals + decay * weights[_KERNEL],
            _BIAS: factor * residuals.sum(0) + decay * weights[_BIAS],
        }
        for name, gradient in gradients.items():
            results[f"gradients/line/{turn}/{name}"] = gradient
        moves = optimizer.moves(gradients)
        squares.append(np.mean(np.concatenate([np.ravel(move) for move in moves.values()]) ** 2))
        weights = {name: value + moves[name] for name, value in weights.items()}
    for step in range(2):
        for term in ("error", "decay"):  # the log of a step is the mean of its turns
            turns = [results.pop(f"{term} {2 * step + turn}") for turn in range(2)]
            results[f"losses/{step}/{term}"] = np.mean(turns)
    results["step/line"] = np.sqrt(np.mean(squares))
    return results | {f"end/{name}": value for name, value in weights.items()}


def test_a_weight_whose_gradient_is_zero_is_counted_apart_and_others_are_named():
    # One player, one turn: the first weight's gradient is 0 in float64, the second's is not.
    ours = {
        "losses/0/loss": np.float64(1.0),
        "gradients/p/0/n/l/w": np.array([1e-9, 1e-6, 1.0]),
        "end/n/l/w": np.array([0.5, 0.3, 0.1]),
    }
    other = ours | {
        "gradients/p/0/n/l/w": np.array([0.0, -1e-7, 1.0]),
        "end/n/l/w": np.array([0.0, 0.1, 0.1]),
        "step/p": np.float64(0.1),
    }
    found = compare.compare(ours, other)
    assert found["zero_gradients"] == {"count": 1, "largest": pytest.approx(5.0)}
    (outlier,) = found["outliers"]["listed"]
    assert outlier["weight"] == "n/l/w[1]"
    assert outlier["steps"] == pytest.approx(2.0)
    assert outlier["independent gradients"] == [-1e-7]
    assert found["weights"]["p"]["rms"] == pytest.approx((2.0**2 / 2) ** 0.5)
    assert compare.failures(found) == ["weights of p differ by 1.4 steps (rms)"]


def test_a_loss_that_only_one_side_has_is_named():
    ours = {"losses/0/cycle": np.float64(1.0)}
    with pytest.raises(compare.MissingValueError, match="only ours has losses/0/cycle"):
        compare.compare(ours, {})


def test_every_shipped_method_has_a_case_with_valid_settings():
    methods = registry.all_methods()
    shipped = {n for n, m in methods.items() if m.translator.__module__.startswith("tf_translate.")}
    assert {case.method for case in CASES} == shipped
    for case in CASES:
        methods[case.method].settings.model_validate(case.settings)
