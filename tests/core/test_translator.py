"""The base class of all methods, against steps computed by hand."""

import dataclasses
from types import MappingProxyType

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.core.toy import Staged, Toy, batch_of, scale
from tf_translate.core import stateless_random
from tf_translate.core.player import Player
from tf_translate.core.schedules import LinearRamp


def _toy(cls=Toy, **arguments):
    translator = cls(scale(3.0, "g"), scale(5.0, "c"), **arguments)
    translator.compile(run_eagerly=True)
    return translator


def _value(network):
    return float(network.trainable_weights[0].numpy().item())


def test_one_step_equals_a_computation_by_hand():
    # g = 3, c = 5, a = 2, SGD 0.1.
    # Discriminator: loss c * g * a = 30, dL/dc = g * a = 6  -> c = 5 - 0.6 = 4.4.
    # Generator, with the updated discriminator: l1 = c * g * a = 26.4,
    # weighted 2 * l1, dL/dg = 2 * c * a = 17.6 -> g = 3 - 1.76 = 1.24.
    translator = _toy()
    logs = translator.train_step(batch_of(2.0))
    assert _value(translator.discriminator) == pytest.approx(4.4)
    assert _value(translator.generator) == pytest.approx(1.24)
    assert float(logs["domain/discriminator"]) == pytest.approx(30.0)
    assert float(logs["content/l1"]) == pytest.approx(26.4)  # logged without its weight
    assert int(translator.steps_taken.numpy()) == 1


def test_a_shared_forward_pass_runs_once_for_both_players(monkeypatch):
    translator = _toy()
    calls = []
    plain = translator.generator.call
    monkeypatch.setattr(
        translator.generator, "call", lambda *a, **k: calls.append(1) or plain(*a, **k)
    )
    translator.train_step(batch_of(2.0))
    assert len(calls) == 1


def test_a_term_of_weight_0_is_neither_computed_nor_logged():
    class Failing(Toy):
        def generator_objective(self, batch, shared):
            pytest.fail("the objective of a player without active terms must not run")

    translator = _toy(Failing, loss_weights={"l1": 0.0})
    logs = translator.train_step(batch_of(2.0))
    assert list(logs) == ["domain/discriminator"]
    assert _value(translator.generator) == 3.0


def test_an_objective_that_returns_other_terms_than_declared_is_refused():
    class Wrong(Toy):
        def generator_objective(self, batch, shared):
            return {"l2": tf.constant(0.0)}

    with pytest.raises(ValueError, match=r"must return the terms \['l1'\], got \['l2'\]"):
        _toy(Wrong).train_step(batch_of(2.0))


def test_a_scheduled_weight_follows_the_step():
    # Ramp to 4 over 4 steps: weights 0, 1, 2. With c frozen at 5 and a = 1 the generator
    # changes by 0.1 * weight * 5: 3 -> 3 -> 2.5 -> 1.5.
    class Alone(Toy):
        players = (Toy.players[1],)

    translator = _toy(Alone, loss_weights={"l1": LinearRamp(4.0, 4)})
    weights = []
    for _ in range(3):
        translator.train_step(batch_of(1.0))
        weights.append(_value(translator.generator))
    assert weights == pytest.approx([3.0, 2.5, 1.5])


def test_repeated_turns_compute_fresh_gradients():
    class Thrice(Toy):
        players = (
            Player(
                "discriminator",
                ("discriminator",),
                "discriminator_objective",
                ("discriminator",),
                microbatches=(0, 0, 0),
            ),
            Toy.players[1],
        )

    translator = _toy(Thrice)
    translator.train_step(batch_of(2.0))
    assert _value(translator.discriminator) == pytest.approx(5.0 - 3 * 0.6)


def test_turns_on_microbatches_use_different_images_and_share_the_last_forward_pass(monkeypatch):
    # Images 1, 2, 3 are microbatches 0, 1, 2. The discriminator takes a turn on each:
    # dL/dc = g * a = 3, 6, 9
    # -> c = 5 - 0.1 * 18 = 3.2; the generator on the last: dL/dg = 2 * c * a = 19.2 -> 1.08.
    class Fresh(Toy):
        players = (
            dataclasses.replace(Toy.players[0], microbatches=(0, 1, 2)),
            dataclasses.replace(Toy.players[1], microbatches=(2,)),
        )

    translator = _toy(Fresh)
    calls = []
    plain = translator.generator.call
    monkeypatch.setattr(
        translator.generator, "call", lambda *a, **k: calls.append(1) or plain(*a, **k)
    )
    assert translator.microbatches_per_step == 3
    translator.train_step(batch_of(1.0, 2.0, 3.0))
    assert _value(translator.discriminator) == pytest.approx(3.2)
    assert _value(translator.generator) == pytest.approx(1.08)
    assert len(calls) == 3
    with pytest.raises(ValueError, match="must divide by 3, the microbatches its players take"):
        translator.train_step(batch_of(1.0, 2.0))


class Bursting(Toy):
    """The discriminator's turns for each of the generator's: 3, 1, 3, 1."""

    has_step_variant = True

    def next_step_is_variant(self):
        return int(self.steps_taken.numpy()) % 4 < 2

    def active_players(self):
        players = super().active_players()
        return players[:1] if self.step_variants.in_variant else players


def _turns(translator, steps):
    """Turns of discriminator and generator after each step of `fit`."""
    turns = []
    optimizers = [translator.player_optimizers[name] for name in ("discriminator", "generator")]
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: turns.append(
            tuple(int(optimizer.iterations.numpy()) for optimizer in optimizers)
        )
    )
    data = tf.data.Dataset.from_tensors(batch_of(0.01, 0.02)).repeat()
    translator.fit(data, steps_per_epoch=steps, verbose=0, callbacks=[count])
    return turns


@pytest.mark.parametrize("eagerly", [False, True])
def test_only_one_player_takes_a_turn_in_the_step_variant(eagerly):
    translator = Bursting(scale(3.0, "g"), scale(5.0, "c"))
    translator.compile(run_eagerly=eagerly)
    generators = [turns for _, turns in _turns(translator, 8)]
    assert generators == [0, 0, 1, 2, 2, 2, 3, 4]
    assert [c for c, _ in _turns(translator, 1)] == [9]  # always the discriminator


@pytest.mark.thorough
def test_two_replicas_take_the_step_variant_at_the_same_steps(two_replicas):
    with two_replicas.scope():
        translator = Bursting(scale(3.0, "g"), scale(5.0, "c"))
        translator.compile()
    assert _turns(translator, 5) == [(1, 0), (2, 0), (3, 1), (4, 2), (5, 2)]


def test_step_variants_continue_after_loading(tmp_path):
    translator = Bursting(scale(3.0, "g"), scale(5.0, "c"))
    translator.compile()
    assert _turns(translator, 5)[-1] == (5, 2)  # one step into the second burst
    translator.save(tmp_path / "t.keras")
    copy = keras.models.load_model(tmp_path / "t.keras", custom_objects={"Bursting": Bursting})
    assert _turns(copy, 4) == _turns(translator, 4) == [(6, 2), (7, 3), (8, 4), (9, 4)]
    assert _value(copy.generator) == _value(translator.generator)


def test_uniform_values_per_image_are_the_same_on_two_replicas(two_replicas):
    translator = _toy()
    whole = translator.uniform_per_image(tf.zeros([4, 1]), stream=1)
    assert len(np.unique(whole)) == 4
    assert not np.allclose(whole, translator.uniform_per_image(tf.zeros([4, 1]), stream=2))
    with two_replicas.scope():
        other = _toy()
    halves = two_replicas.run(lambda: other.uniform_per_image(tf.zeros([2, 1]), stream=1))
    halves = two_replicas.experimental_local_results(halves)
    np.testing.assert_array_equal(np.concatenate(halves), whole)


def test_each_turn_of_a_player_has_random_values_of_its_own():
    drawn = []

    class Drawing(Toy):
        players = (
            dataclasses.replace(Toy.players[0], microbatches=(0, 0, 0)),
            *Toy.players[1:],
        )

        def discriminator_objective(self, batch, shared):
            drawn.append(self.uniform_per_image(batch["a"], stream=1).numpy().ravel())
            return super().discriminator_objective(batch, shared)

    translator = _toy(Drawing)
    first = translator.uniform_per_image(tf.zeros([2, 1]), stream=1).numpy().ravel()
    translator.train_step(batch_of(1.0, 2.0))
    np.testing.assert_array_equal(drawn[0], first)
    assert len(np.unique(drawn)) == 6
    translator.train_step(batch_of(1.0, 2.0))
    assert len(np.unique(drawn)) == 12


def test_normal_values_per_image_are_the_same_on_two_replicas(two_replicas):
    step = tf.constant(7, tf.int64)
    whole = stateless_random.normal_per_image(tf.zeros([4, 1]), 3, step, 1)
    assert len(np.unique(whole)) == 12
    assert not np.allclose(whole, stateless_random.normal_per_image(tf.zeros([4, 1]), 3, step, 2))
    halves = two_replicas.run(
        lambda: stateless_random.normal_per_image(tf.zeros([2, 1]), 3, step, 1)
    )
    halves = two_replicas.experimental_local_results(halves)
    np.testing.assert_array_equal(np.concatenate(halves), whole)


def test_after_turn_can_constrain_weights():
    class Clipped(Toy):
        def after_turn(self, player):
            if player.name == "discriminator":
                for variable in self.variables_of(player):
                    variable.assign(tf.clip_by_value(variable, -1, 1))

    translator = _toy(Clipped)
    translator.train_step(batch_of(2.0))
    assert _value(translator.discriminator) == 1.0


def test_only_the_players_of_the_stage_take_turns():
    translator = _toy(Staged)
    translator.train_step(batch_of(2.0))
    assert (_value(translator.discriminator), _value(translator.generator)) == (
        pytest.approx(4.8),
        3.0,
    )
    translator.enter_stage("second")
    logs = translator.train_step(batch_of(2.0))
    assert list(logs) == ["content/l1"]
    assert _value(translator.discriminator) == pytest.approx(4.8)
    assert _value(translator.generator) < 3.0


def test_fit_continues_in_another_stage_after_tracing():
    translator = Staged(scale(3.0, "g"), scale(5.0, "c"))
    translator.compile()
    data = tf.data.Dataset.from_tensors(batch_of(2.0)).repeat()
    translator.fit(data, steps_per_epoch=1, verbose=0)
    translator.enter_stage("second")
    translator.fit(data, steps_per_epoch=1, verbose=0)
    assert _value(translator.generator) < 3.0


def test_a_keras_file_restores_the_stage(tmp_path):
    translator = _toy(Staged)
    translator.enter_stage("second")
    translator.save(tmp_path / "t.keras")
    assert keras.models.load_model(tmp_path / "t.keras").stage == "second"


def test_a_translator_that_was_not_compiled_can_be_saved(tmp_path):
    Toy(scale(3.0, "g"), scale(5.0, "c")).save(tmp_path / "t.keras")
    assert _value(keras.models.load_model(tmp_path / "t.keras").generator) == 3.0


def test_a_keras_file_restores_a_scheduled_weight(tmp_path):
    translator = _toy(loss_weights={"l1": LinearRamp(4.0, 4)})
    translator.save(tmp_path / "t.keras")
    weight = keras.models.load_model(tmp_path / "t.keras").loss_weights["l1"]
    assert (weight.end, weight.steps) == (4.0, 4)


def test_use_averaged_weights_replaces_weights_by_their_averages():
    # SGD 0.1 on dL/dg = 2 * 5 * 1 = 10 with a frozen discriminator; momentum 0.5.
    translator = Toy(scale(3.0, "g"), scale(5.0, "c"))
    average = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    translator.compile(
        {"generator": average, "discriminator": keras.optimizers.SGD(1e-9)}, run_eagerly=True
    )
    for _ in range(3):
        translator.train_step(batch_of(1.0))
    # Weights 2, 1, 0. Keras starts the average at the first of them:
    # 2 -> 0.5 * 2 + 0.5 * 1 = 1.5 -> 0.75.
    assert _value(translator.generator) == pytest.approx(0.0, abs=1e-5)
    translator.use_averaged_weights()
    assert _value(translator.generator) == pytest.approx(0.75, abs=1e-5)


def test_keras_callbacks_and_steps_per_execution_work():
    translator = Toy(scale(3.0, "g"), scale(5.0, "c"))
    translator.compile(steps_per_execution=2)
    data = tf.data.Dataset.from_tensors(batch_of(0.01)).repeat()
    stopper = keras.callbacks.EarlyStopping("content/l1", mode="max", patience=0)
    history = translator.fit(data, steps_per_epoch=4, epochs=5, verbose=0, callbacks=[stopper])
    assert len(history.epoch) < 5  # the loss falls, and the callback expects it to rise
    assert int(translator.steps_taken.numpy()) == 4 * len(history.epoch)


def test_mixed_float16_wraps_every_optimizer():
    keras.mixed_precision.set_global_policy("mixed_float16")
    translator = Toy(scale(3.0, "g"), scale(5.0, "c"))
    translator.compile()
    kinds = {type(o).__name__ for o in translator.player_optimizers.values()}
    assert kinds == {"LossScaleOptimizer"}
    translator.fit(tf.data.Dataset.from_tensors(batch_of(0.5)), verbose=0)
    # As in float32: dL/dc = 3 * 0.5 -> 5 - 0.15; the loss scale is divided out.
    assert _value(translator.discriminator) == pytest.approx(4.85, abs=0.01)


class WithStoppedGradient(Toy):
    """One player of both networks: l1 = c g a trains only c, discriminator = g + c both."""

    players = (
        Player(
            "both",
            ("generator", "discriminator"),
            "objective",
            ("l1", "discriminator"),
            forward="translate",
            stop_gradient_for={"generator": ("l1",)},
        ),
    )

    def objective(self, batch, shared):
        scores = tf.reduce_mean(self.discriminator(shared["fake"]))
        weights = [self.generator.trainable_weights[0], self.discriminator.trainable_weights[0]]
        summed = tf.add_n([tf.reduce_sum(weight.value) for weight in weights])
        return {"l1": scores, "discriminator": summed}


def test_stop_gradient_for_keeps_a_term_from_training_a_network(monkeypatch):
    # g = 3, c = 5, a = 2, SGD 0.1. g only gets the gradient of discriminator, 1 -> 3 - 0.1 = 2.9.
    # c also gets that of 2 * l1: 2 * g * a + 1 = 13 -> c = 5 - 1.3 = 3.7.
    translator = _toy(WithStoppedGradient)
    calls = []
    plain = translator.generator.call
    monkeypatch.setattr(
        translator.generator, "call", lambda *a, **k: calls.append(1) or plain(*a, **k)
    )
    logs = translator.train_step(batch_of(2.0))
    assert _value(translator.generator) == pytest.approx(2.9)
    assert _value(translator.discriminator) == pytest.approx(3.7)
    assert float(logs["content/l1"]) == pytest.approx(30.0)
    assert len(calls) == 1


def test_a_network_without_an_active_term_that_trains_it_is_unchanged():
    translator = _toy(WithStoppedGradient, loss_weights={"discriminator": 0.0})
    translator.objective = lambda batch, shared: {
        "l1": tf.reduce_mean(translator.discriminator(shared["fake"]))
    }
    translator.train_step(batch_of(2.0))
    assert _value(translator.generator) == 3.0
    assert _value(translator.discriminator) == pytest.approx(5 - 0.1 * 2 * 6)


def test_stop_gradient_for_must_name_own_networks_and_leave_a_term():
    with pytest.raises(ValueError, match=r"must map some of its .* got \['t'\] for 'other'"):
        Player("p", ("own",), "o", ("t", "u"), stop_gradient_for={"other": ("t",)})
    with pytest.raises(
        ValueError, match="`stop_gradient_for` of player 'p' must map some of its networks"
    ):
        Player("p", ("own",), "o", ("t",), stop_gradient_for={"own": ("t",)})


class Dependent(Toy):
    """The generator takes the first turn, on the discriminator's output for a: g * (c * a)."""

    players = (
        Player(
            "generator",
            ("generator",),
            "generator_objective",
            ("l1",),
            forward="translate",
            depends_on=("discriminator",),
        ),
        Player(
            "discriminator",
            ("discriminator",),
            "discriminator_objective",
            ("discriminator",),
            forward="discriminate",
        ),
    )

    def discriminate(self, batch):
        return {"scores": self.discriminator(batch["a"])}

    def translate(self, batch, shared):
        return {"fake": self.generator(shared["scores"], training=True)}

    def generator_objective(self, batch, shared):
        return {"l1": tf.reduce_mean(shared["fake"])}

    def discriminator_objective(self, batch, shared):
        return {"discriminator": tf.reduce_mean(shared["scores"] + shared["fake"])}


def test_a_forward_pass_can_depend_on_that_of_a_player_with_a_later_turn():
    # g = 3, c = 5, a = 2, SGD 0.1. l1 = g * (c * a) = 30, its gradient in g is 10, doubled by its
    # weight -> g = 3 - 2 = 1. The discriminator's own pass trains it, the generator's does
    # not: gradient of c * a is 2 -> c = 5 - 0.2 = 4.8; its loss is 10 + 30.
    translator = _toy(Dependent)
    logs = translator.train_step(batch_of(2.0))
    assert _value(translator.generator) == pytest.approx(1.0)
    assert _value(translator.discriminator) == pytest.approx(4.8)
    assert float(logs["domain/discriminator"]) == pytest.approx(40.0)


def test_wrong_arguments_are_refused_by_name():
    with pytest.raises(
        ValueError, match=r"no term 'discriminators', only .*did you mean 'discriminator'"
    ):
        Toy(scale(1, "g"), scale(1, "c"), loss_weights={"discriminators": 1.0})
    with pytest.raises(ValueError, match="weight of term 'l1' must be 0 or more, got -1"):
        Toy(scale(1, "g"), scale(1, "c"), loss_weights={"l1": -1})
    with pytest.raises(ValueError, match="`discriminator` must be built before it is given"):
        Toy(scale(1, "g"), keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(
        ValueError, match=r"`optimizers` names \['discriminate'\], but the players are"
    ):
        Toy(scale(1, "g"), scale(1, "c")).compile({"discriminate": keras.optimizers.SGD()})
    with pytest.raises(ValueError, match=r"`stage` must be one of \['train'\], got 'x'"):
        _toy().enter_stage("x")


@pytest.mark.thorough
def test_two_replicas_log_and_step_as_one_device(two_replicas):
    results = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            translator = Toy(scale(3.0, "g"), scale(5.0, "c"))
            translator.compile()
        data = tf.data.Dataset.from_tensors(batch_of(1.0, 2.0, 4.0, 5.0))
        history = translator.fit(data, verbose=0).history
        results.append(
            [
                _value(translator.generator),
                _value(translator.discriminator),
                history["content/l1"][0],
            ]
        )
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    # By hand: mean of a is 3, so c = 5 - 0.1 * 9 = 4.1 and g = 3 - 0.1 * 2 * 4.1 * 3 = 0.54.
    assert results[1][:2] == pytest.approx([0.54, 4.1], rel=1e-5)


def test_a_discriminator_without_a_chance_level_is_refused_when_compiled():
    class Silent(Toy):
        chance_levels = MappingProxyType({})

    with pytest.raises(ValueError, match=r"`chance_levels` of Silent must .*'discriminator'"):
        Silent(scale(1, "g"), scale(1, "c")).compile()
