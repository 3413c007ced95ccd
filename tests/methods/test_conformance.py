"""What every registered method must do, with tiny networks."""

import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import exporters
from tests.marks import slow_but
from tests.methods.tiny import count_passes
from tf_translate.config.import_file import import_file
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.layers.cpu import VARIABLE
from tf_translate.methods.registry import ALSO_NEEDS, DISTILLED, all_methods, find, register

SHAPE = (16, 16, 3)
ROOT = Path(__file__).parents[2]
import_file(ROOT / "scripts" / "examples" / "cut.py")  # a method outside the package
METHODS = dict(all_methods())
# A method with students, without the losses on features, whose network CI does not download.
METHODS |= {name: find(name) for name in ("distilled_pix2pix", "distilled_discogan")}
NO_FEATURES = {"student_features": 0.0, "student_style": 0.0}
TINY = {name: method.translator.conformance.settings for name, method in METHODS.items()}
# The paper's network of IAN, which has other layers in all that is trained and exported.
METHODS["ian_full"] = METHODS["ian"]
TINY["ian_full"] = {**TINY["ian"], "network": "full", "discriminator": "ternary", "edit_steps": 1}
ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}
# The paper's norm: batch norm, across replicas.
BATCH_NORM = {**TINY["pix2pix"], "norm": "batch"}
# Three turns of the discriminators and clipping after each, instance norm.
CLIPPED = {**TINY["dualgan"], "gan_mode": "wgan_clip", "norm": "instance_affine"}
# Clipping and bursts of two turns, batch norm in splitter and joiner.
BURSTS = {
    **TINY["genegan"],
    "gan_mode": "wgan_clip",
    "norm": "batch",
    "discriminator_burst_turns": 2,
    "discriminator_burst_every": 1,
}
WITH_DROPOUT = {**BATCH_NORM, "num_downsamples": 5, "dropout": 0.5}
# A pool that is full after the first step; then it returns old or new images.
FULL_POOL = {**TINY["cyclegan"], "pool_size": 3}
# Noise on the discriminators' images, and R1 (off in the papers); batch norm in both.
WITH_R1 = {name: {**TINY[name], "discriminator_noise": 0.1} for name in ("icgan", "ian")}
# Turns of three players on two microbatches, orthogonal regularization in place of L2.
IN_TURNS = {**TINY["ian"], "updates": "alternate", "discriminator": "ternary"}
# Methods that step like another one: DiscoGAN like DualGAN, DTN and Age-cGAN like IcGAN.
ALIKE = ("discogan", "dtn", "age_cgan", "cut", "ian_full", "distilled_discogan")
# Steps on two replicas that are tested before a release only: those like another method's, and the
# slowest others. Two workers take IcGAN's in tests/training/test_multi_worker.py.
STEPPED_ELSEWHERE = (*ALIKE, "cyclegan", "dualgan", "genegan", "ian", "icgan", "pix2pix")
EVERY = pytest.mark.parametrize("name", sorted(METHODS))


def _every_but_in_ci_only(*chosen):
    """All methods; in CI only the chosen ones."""
    return pytest.mark.parametrize("name", slow_but(sorted(METHODS), *chosen))


def _shapes_and_attributes(name, shape=SHAPE):
    """The arguments of `from_settings` besides settings: shapes, and attributes if it has any."""
    if METHODS[name].layout == "attributes":
        return (shape,), {"attributes": ATTRIBUTES}
    if METHODS[name].layout == "images":
        return (shape,), {}
    return (shape, shape), {}


def _build(name, compiled=True, settings=None, shape=SHAPE, weights=None):
    method = METHODS[name]
    shapes, attributes = _shapes_and_attributes(name, shape)
    if name.startswith(DISTILLED):
        weights = NO_FEATURES | (weights or {})
    model = method.translator.from_settings(
        method.settings(**(settings or TINY[name])), *shapes, **attributes, loss_weights=weights
    )
    if compiled:
        model.compile()
    return model


def _images(count, seed, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def _batch(count=6, seed=0, shape=SHAPE):
    pair = (_images(count, seed + domain, shape) for domain in (0, 1))
    domains = dict(zip("ab", map(tf.constant, pair), strict=True))
    labels = np.arange(count) % 3
    hair = np.eye(3, dtype=np.float32)
    attributes = {
        name: tf.constant(np.concatenate([(labels[:, None] + turn) % 2, hair[labels - turn]], 1))
        for turn, name in enumerate(("attributes", "other_attributes", "sampled_attributes"))
    }
    return {
        **domains,
        "label_a": tf.constant(labels, tf.int32),
        "image": domains["a"],
        **{name: tf.cast(values, tf.float32) for name, values in attributes.items()},
    }


def _called(model, seed, shape=SHAPE, count=2):
    """The outputs of the model for some images."""
    images = _images(count, seed, shape)
    if model.layout != "attributes":
        return model(images)
    return model({"image": images, "attributes": _batch(count)["attributes"]})


def _values(variables):
    return [np.array(variable) for variable in variables]


def _largest_difference(ones, others):
    return max(float(np.abs(a - b).max()) for a, b in zip(ones, others, strict=True))


@EVERY
def test_a_registered_class_declares_layout_signatures_and_both_roles(name):
    translator = METHODS[name].translator
    assert translator.layout == METHODS[name].layout
    assert list(translator.deploys) == list(_build(name, compiled=False).signatures())
    roles = {term.role.value for term in translator.terms}
    assert {"content", "domain"} <= roles, "a complete method keeps content and reaches a domain"
    assert all(term.source for term in translator.terms)


@EVERY
def test_one_fit_step_is_finite_and_runs_no_network_more_often_than_needed(name, monkeypatch):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)  # graphs are traced for two replicas and in bfloat16
    history = {}
    for stage in model.stages:
        model.enter_stage(stage)
        history |= model.fit(tf.data.Dataset.from_tensors(_batch()), verbose=0).history
    expected = {term for player in model.players for term in player.terms if model.uses(term)}
    assert set(history) == {term.log_name for term in model.terms if term.name in expected}
    assert np.isfinite(list(history.values())).all()
    calls = count_passes(model, monkeypatch)
    model.train_step(_batch())
    assert calls == model.conformance.forward_passes, "as often as the equations need"


@pytest.mark.parametrize(
    "name",
    slow_but(sorted(METHODS), "dualgan", "fader", "ian", "icgan", "pix2pix"),
)
def test_evaluate_logs_the_losses_of_the_next_step_and_changes_nothing(name):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)
    data = tf.data.Dataset.from_tensors(_batch())
    for stage in model.stages:
        model.enter_stage(stage)
        variables = list(model.variables)
        for optimizer in model.player_optimizers.values():
            variables += optimizer.variables
        before = _values(variables)
        found = model.evaluate(data, verbose=0, return_dict=True)
        assert _largest_difference(before, _values(variables)) == 0.0
        comparable = not model.next_step_is_variant()
        trained = model.fit(data, verbose=0).history
        assert set(found) == set(trained)
        assert np.isfinite(list(found.values())).all()
        first = model.active_players()[0]
        if comparable and first.turns == 1:  # no update comes before its losses
            names = {term.log_name for term in model.terms if term.name in first.terms}
            for each in names & set(found):
                assert found[each] == pytest.approx(trained[each][0], rel=1e-6)


@EVERY
def test_each_player_updates_its_own_weights_and_no_others(name, monkeypatch):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)
    for player in model.players:
        own_ids = {id(variable) for variable in model.variables_of(player)}
        before = [(id(v), np.array(v)) for v in model.trainable_variables]
        model.enter_stage(player.stage)
        monkeypatch.setattr(model, "active_players", lambda player=player: [player])
        model.train_step(_batch())
        after = [np.array(v) for v in model.trainable_variables]
        updated = {
            i for (i, old), new in zip(before, after, strict=True) if not np.array_equal(old, new)
        }
        assert updated <= own_ids
        assert len(updated) >= len(own_ids) - model.conformance.unchanged_variables


def _assert_round_trip(model, shape, folder):
    data = tf.data.Dataset.from_tensors(_batch(shape=shape)).repeat()
    model.enter_stage(model.stages[-1])
    model.fit(data, steps_per_epoch=2, verbose=0, shuffle=False)
    model.save(folder / "model.keras")
    copy = load_keras_file(folder / "model.keras")  # as runs are loaded
    assert np.array_equal(_called(model, 9, shape), _called(copy, 9, shape))
    for player, optimizer in model.player_optimizers.items():
        other = copy.player_optimizers[player]
        assert type(other) is type(optimizer)
        pairs = zip(optimizer.variables, other.variables, strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    for one in (model, copy):
        one.fit(data, steps_per_epoch=1, verbose=0, shuffle=False)
    assert int(copy.steps_taken.numpy()) == 3
    assert _largest_difference(_values(model.weights), _values(copy.weights)) == 0.0


@pytest.mark.thorough
@_every_but_in_ci_only("fader")
def test_a_keras_file_restores_outputs_optimizers_and_the_next_step(name, tmp_path):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)
    _assert_round_trip(model, SHAPE, tmp_path)


@pytest.mark.slow
def test_a_keras_file_restores_batch_norm_and_dropout_exactly(tmp_path):
    shape = (32, 32, 3)
    _assert_round_trip(_build("pix2pix", settings=WITH_DROPOUT, shape=shape), shape, tmp_path)


@pytest.mark.slow
def test_a_keras_file_restores_float16_loss_scales_exactly(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_float16")
    _assert_round_trip(_build("pix2pix"), SHAPE, tmp_path)


def _averaging_descent():
    return keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *(
            pytest.param(name, TINY[name], marks=[pytest.mark.slow] * (name in STEPPED_ELSEWHERE))
            for name in sorted(METHODS)
        ),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (
                ("pix2pix", BATCH_NORM),
                ("pix2pix", WITH_DROPOUT),
                ("dualgan", CLIPPED),
                ("genegan", BURSTS),
                ("cyclegan", FULL_POOL),
                *WITH_R1.items(),
                ("ian", IN_TURNS),
            )
        ),
    ],
    ids=[
        *sorted(METHODS),
        "pix2pix with batch norm",
        "pix2pix with dropout",
        "dualgan with clipping",
        "genegan with bursts",
        "cyclegan with a full pool",
        "icgan with R1 and noise",
        "ian with R1 and noise",
        "ian in turns",
    ],
)
def test_two_replicas_step_like_one_device(name, settings, two_replicas):
    shape = (32, 32, 3) if settings is WITH_DROPOUT else SHAPE
    weights = {"r1": 2.0} if settings in WITH_R1.values() else None
    # CUT's unit vectors of tiny projections amplify rounding a thousandfold in two further steps,
    # and so do the exponential in the flow of IAN's full network, the four turns of IN_TURNS and
    # the many batch norms of a student (2.9e-5).
    one_step = name in ("cut", "ian_full") or name.startswith(DISTILLED) or settings is IN_TURNS
    steps = 1 if one_step else 3
    results = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        keras.utils.set_random_seed(3)
        with strategy.scope():
            model = _build(name, compiled=False, settings=settings, shape=shape, weights=weights)
            # Plain gradient descent: Adam amplifies rounding errors where a gradient is 0.
            descent = {player.name: _averaging_descent() for player in model.players}
            model.compile(descent)
        logs = []
        for stage in model.stages:
            model.enter_stage(stage)
            size = 4 * model.microbatches_per_step
            data = tf.data.Dataset.from_tensor_slices(_batch(steps * size, shape=shape))
            history = model.fit(data.batch(size, drop_remainder=True), verbose=0).history
            logs += history.values()
        averages = [v for each in model.player_optimizers.values() for v in each.variables]
        results.append((_values([*model.weights, *averages]), logs))
    # Second derivatives and contrastive logits amplify rounding: 1.6e-5 and 1.3e-5 on AMX.
    amplifies = name == "cut" or settings in WITH_R1.values()
    largest = 5e-5 if amplifies else 1e-5
    ones, others = results[0][0], results[1][0]
    if name == "ian_full":  # its flow makes values of 1e9
        scales = [np.maximum(1, np.abs(one)) for one in ones]
        ones = [value / scale for value, scale in zip(ones, scales, strict=True)]
        others = [value / scale for value, scale in zip(others, scales, strict=True)]
    assert _largest_difference(ones, others) < largest
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4)


@pytest.mark.thorough
@_every_but_in_ci_only("fader")
def test_training_in_bfloat16_has_float32_weights_and_losses(name):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = _build(name)
    for stage in model.stages:
        model.enter_stage(stage)
        history = model.fit(tf.data.Dataset.from_tensors(_batch()), verbose=0).history
        assert np.isfinite(list(history.values())).all()
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert _called(model, 0).dtype == tf.float32


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "off", "updated"),
    [
        ("pix2pix", ("adversarial", "discriminator"), {"generator"}),
        *(
            pytest.param("cyclegan", *each, marks=pytest.mark.slow)
            for each in (
                (("discriminator",), {"generators"}),
                (("cycle", "identity", "adversarial"), {"discriminators"}),
            )
        ),
    ],
)
def test_a_player_without_active_terms_is_not_updated(name, off, updated):
    model = _build(name, compiled=False, weights=dict.fromkeys(off, 0.0))
    model.compile(run_eagerly=True)
    before = {player.name: _values(model.variables_of(player)) for player in model.players}
    logs = model.train_step(_batch())
    assert not set(off) & {label.split("/")[1] for label in logs}
    for player in model.players:
        change = _largest_difference(before[player.name], _values(model.variables_of(player)))
        assert (change > 0) == (player.name in updated)


@EVERY
def test_switching_every_loss_term_off_is_refused(name):
    translator = METHODS[name].translator
    weights = {term.name: 0.0 for term in translator.terms}
    with pytest.raises(ValueError, match="every term has weight 0"):
        _build(name, compiled=False, weights=weights)


@pytest.mark.thorough
@_every_but_in_ci_only("dualgan", "fader")
def test_each_signature_has_the_same_outputs_in_saved_model_and_tflite(name, tmp_path):
    model = _build(name)
    bundle = exporters.export(model.signatures(), tmp_path / "bundle", recipes=("float32",))
    verification = exporters.verify(bundle, isolated=False)
    assert verification.passed, verification.failures
    runner = exporters.Runner(exporters.open_bundle(bundle))
    for signature_name, signature in model.signatures().items():
        random = np.random.default_rng(4)
        inputs = {
            spec.name: random.uniform(*(spec.value_range or (-1, 1)), (1, *spec.shape[1:])).astype(
                np.float32
            )
            for spec in signature.inputs
        }
        expected = signature.function(**inputs)
        actual = runner.run(signature_name, inputs)
        assert set(actual) == set(expected) == {spec.name for spec in signature.outputs}
        for spec in signature.outputs:
            output = actual[spec.name]
            assert output.shape == (1, *spec.shape[1:])
            assert np.abs(output - np.asarray(expected[spec.name])).max() < 1e-4
            minimum, maximum = spec.value_range or (-np.inf, np.inf)
            assert minimum <= output.min() <= output.max() <= maximum


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["pix2pix", pytest.param("cyclegan", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "check",
    [
        test_one_fit_step_is_finite_and_runs_no_network_more_often_than_needed,
        pytest.param(
            test_each_player_updates_its_own_weights_and_no_others, marks=pytest.mark.slow
        ),
        pytest.param(
            test_a_keras_file_restores_outputs_optimizers_and_the_next_step, marks=pytest.mark.slow
        ),
        pytest.param(test_two_replicas_step_like_one_device, marks=pytest.mark.slow),
        pytest.param(
            test_training_in_bfloat16_has_float32_weights_and_losses, marks=pytest.mark.slow
        ),
        pytest.param(
            test_each_signature_has_the_same_outputs_in_saved_model_and_tflite,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_conformance_holds_without_cpu_kernels(check, name, monkeypatch, tmp_path, two_replicas):
    monkeypatch.setenv(VARIABLE, "off")
    given = {
        "name": name,
        "settings": TINY[name],
        "monkeypatch": monkeypatch,
        "tmp_path": tmp_path,
        "two_replicas": two_replicas,
    }
    check(**{argument: given[argument] for argument in inspect.signature(check).parameters})


def test_what_a_method_needs_besides_its_layout_is_one_of_the_known_things():
    assert find("genegan").also_needs == ("object",)
    assert find("dtn").also_needs == ("labels",)
    settings = find("cyclegan").settings
    with pytest.raises(ValueError, match=f"`also_needs` must be among .*{next(iter(ALSO_NEEDS))}"):
        register("mine", settings=settings, layout="unpaired", also_needs=("luck",))
