"""What every method in the registry must do, with tiny networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import exporters
from tests.methods.tiny import count_passes
from tf_translate.methods.registry import METHODS

SHAPE = (16, 16, 3)
# The smallest networks of each method; a new method adds a line here.
TINY = {
    "pix2pix": {
        "num_downsamples": 2, "base_filters": 4, "discriminator_layers": 1, "discriminator_filters": 4,
        "norm": "instance_affine", "dropout": 0.0,
    },
    "cyclegan": {"residual_blocks": 1, "base_filters": 4, "discriminator_layers": 1, "discriminator_filters": 4},
    "dualgan": {
        "gan_mode": "wgan_gp", "num_downsamples": 2, "base_filters": 4, "norm": "none", "dropout": 0.0,
        "discriminator_downsamples": 2, "discriminator_filters": 4,
    },
    "discogan": {"base_filters": 4, "discriminator_filters": 4},
    "dtn": {"base_filters": 4, "code": 8, "decoder_filters": 4, "discriminator_filters": 4, "classes": 3},
    "genegan": {
        "gan_mode": "wgan_gp", "base_filters": 4, "discriminator_filters": 4, "norm": "instance_affine",
        "discriminator_norm": "none", "discriminator_burst_turns": 0,
    },
    "icgan": {
        "latent": 5, "base_filters": 4, "discriminator_filters": 4, "encoder_filters": 4, "latent_width": 8,
        "attribute_width": 8, "bn_recalibration_steps": 1,
    },
    "age_cgan": {
        "latent": 5, "base_filters": 4, "discriminator_filters": 4, "encoder_filters": 4, "latent_width": 8,
        "bn_recalibration_steps": 1, "embedding": 6, "identity_embedder_filters": 4, "identity_embedder_width": 8,
        "search": {"steps": 2},
    },
    "fader": {"num_downsamples": 2, "base_filters": 4, "max_filters": 8, "dropout": 0.0, "ramp": 2},
    "ian": {
        "base_filters": 4, "decoder_filters": 4, "latent": 5, "latent_width": 8, "kernels": 3, "edit_steps": 2,
    },
}  # fmt: skip
ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}
# What the paper's own settings have beyond those: batch norm across replicas.
BATCH_NORM = {**TINY["pix2pix"], "norm": "batch"}
# Three discriminators' turns and clipping after each, instance norm.
CLIPPED = {**TINY["dualgan"], "gan_mode": "wgan_clip", "norm": "instance_affine"}
# Clipping and bursts of two turns, batch norm in splitter and joiner.
BURSTS = {
    "base_filters": 4, "discriminator_filters": 4, "discriminator_norm": "none", "discriminator_burst_turns": 2, "discriminator_burst_every": 1,
}  # fmt: skip
NOISY = {**BATCH_NORM, "num_downsamples": 5, "dropout": 0.5}
# A pool that is full after the first step; every discriminator's image is then an old one or a new one.
FULL_POOL = {**TINY["cyclegan"], "pool_size": 3}
# Noise on what discriminators see, and their gradient held (off in the papers); batch norm in both discriminators.
HELD = {name: {**TINY[name], "discriminator_noise": 0.1} for name in ("icgan", "ian")}
# The forward passes a step needs by its equations, for each network.
PASSES = {
    "pix2pix": {"generator": 1, "discriminator": 3},  # G(x); D on real and fake, and fake once more
    "cyclegan": {  # G(x), G(F(y)), G(y); D on its generator's fake, on a real and a pooled one
        "generator_ab": 3, "generator_ba": 3, "discriminator_a": 3, "discriminator_b": 3,
    },
    "dualgan": {  # there and back; discriminators on real, fake, between them, and fake once more
        "generator_ab": 2, "generator_ba": 2, "discriminator_a": 4, "discriminator_b": 4,
    },
    "discogan": {  # the discriminators' turn: one fake, judged beside a real one; each of the
        # generators' two: there and back, features of fake and real
        "generator_ab": 5, "generator_ba": 5, "discriminator_a": 6, "discriminator_b": 6,
    },
    "dtn": {  # f(s, t), f(G(s)); G(s, t); D on both and real, then on both again
        "features": 2, "decoder": 1, "discriminator": 5, "head": 0,
    },
    "genegan": {  # S(Ax, Be); J of four pairs of codes; discriminators as in DualGAN
        "splitter": 1, "joiner": 1, "discriminator_a": 4, "discriminator_b": 4,
    },
    "icgan": {  # the last stage: E_y of real images
        "generator": 0, "discriminator": 0, "encoder_z": 0, "encoder_y": 1,
    },
    "age_cgan": {  # the last stage: E of what G draws
        "identity_embedder": 0, "generator": 1, "discriminator": 0, "encoder": 1,
    },
    "fader": {  # E and D for the discriminator's turn, E, Dec and D for the auto-encoder's
        "encoder": 2, "decoder": 1, "latent_discriminator": 2,
    },
    "ian": {  # G(z) of images and of noise; the trunk and its verdict on both in each turn, and
        # on real images, which the encoder's head reads too
        "encoder_head": 1, "decoder": 2, "trunk": 5, "discriminator_head": 5,
    },
}  # fmt: skip
# Weights that a step rightly leaves: the offset of a Wasserstein score cancels.
STILL = {"dualgan": 2, "genegan": 2}
EVERY = pytest.mark.parametrize("name", sorted(METHODS))


def _form(name, shape=SHAPE):
    """What `from_settings` takes beside settings: shapes, and attributes if it has any."""
    if METHODS[name].layout == "attributes":
        return (shape,), {"attributes": ATTRIBUTES}
    if METHODS[name].layout == "images":
        return (shape,), {}
    return (shape, shape), {}


def _build(name, compiled=True, own=None, shape=SHAPE, weights=None):
    translator, settings = METHODS[name].load()
    shapes, told = _form(name, shape)
    model = translator.from_settings(
        settings(**(own or TINY[name])), *shapes, **told, loss_weights=weights
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
    told = {
        name: tf.constant(np.concatenate([(labels[:, None] + turn) % 2, hair[labels - turn]], 1))
        for turn, name in enumerate(("attributes", "other_attributes", "drawn_attributes"))
    }
    return {
        **domains,
        "label_a": tf.constant(labels, tf.int32),
        "image": domains["a"],
        **{name: tf.cast(values, tf.float32) for name, values in told.items()},
    }


def _called(model, seed, shape=SHAPE, count=2):
    """What the model itself gives for some images."""
    images = _images(count, seed, shape)
    if model.layout != "attributes":
        return model(images)
    return model({"image": images, "attributes": _batch(count)["attributes"]})


def _values(variables):
    return [np.array(variable) for variable in variables]


def _largest_difference(ones, others):
    return max(float(np.abs(a - b).max()) for a, b in zip(ones, others, strict=True))


@EVERY
def test_the_registry_says_what_the_class_says(name):
    entry = METHODS[name]
    translator, _ = entry.load()
    assert translator.layout == entry.layout
    assert list(translator.deploys) == list(_build(name, compiled=False).signatures())
    roles = {term.role.value for term in translator.terms}
    assert {"content", "domain"} <= roles, "a complete method keeps content and reaches a domain"
    assert all(term.source for term in translator.terms)


@EVERY
def test_one_fit_step_is_finite(name):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)  # graphs are traced for two replicas and in bfloat16
    history = {}
    for stage in model.stages:
        model.enter_stage(stage)
        history |= model.fit(tf.data.Dataset.from_tensors(_batch()), verbose=0).history
    played = {term for player in model.players for term in player.terms if model.uses(term)}
    assert set(history) == {term.label for term in model.terms if term.name in played}
    assert np.isfinite(list(history.values())).all()


@EVERY
def test_each_player_moves_its_own_weights_and_no_one_elses(name, monkeypatch):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)
    for player in model.players:
        own = {id(variable) for variable in model.variables_of(player)}
        before = [(id(v), np.array(v)) for v in model.trainable_variables]
        model.enter_stage(player.stage)
        monkeypatch.setattr(model, "active_players", lambda player=player: [player])
        model.train_step(_batch())
        after = [np.array(v) for v in model.trainable_variables]
        moved = {
            i for (i, old), new in zip(before, after, strict=True) if not np.array_equal(old, new)
        }
        assert moved <= own
        assert len(moved) >= len(own) - STILL.get(name, 0)


@EVERY
def test_no_network_runs_more_often_than_the_equations_need(name, monkeypatch):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)
    model.enter_stage(model.stages[-1])
    calls = count_passes(model, monkeypatch)
    model.train_step(_batch())
    assert calls == PASSES[name]


def _assert_round_trip(model, shape, folder):
    data = tf.data.Dataset.from_tensors(_batch(shape=shape)).repeat()
    model.enter_stage(model.stages[-1])
    model.fit(data, steps_per_epoch=2, verbose=0, shuffle=False)
    model.save(folder / "model.keras")
    copy = keras.models.load_model(folder / "model.keras")
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


@EVERY
def test_a_keras_file_brings_back_outputs_optimizers_and_the_next_step(name, tmp_path):
    model = _build(name, compiled=False)
    model.compile(run_eagerly=True)
    _assert_round_trip(model, SHAPE, tmp_path)


def test_so_it_does_with_batch_norm_and_noise(tmp_path):
    shape = (32, 32, 3)
    _assert_round_trip(_build("pix2pix", own=NOISY, shape=shape), shape, tmp_path)


def test_so_it_does_in_float16_with_its_loss_scales(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_float16")
    _assert_round_trip(_build("pix2pix"), SHAPE, tmp_path)


def _averaging_descent():
    return keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        *((name, TINY[name]) for name in sorted(METHODS)),
        ("pix2pix", BATCH_NORM),
        ("dualgan", CLIPPED),
        ("genegan", BURSTS),
        ("cyclegan", FULL_POOL),
        ("pix2pix", NOISY),
        *HELD.items(),
    ],
    ids=[
        *sorted(METHODS),
        "pix2pix with batch norm",
        "dualgan with clipping",
        "genegan with bursts",
        "cyclegan with a full pool",
        "pix2pix with dropout",
        "icgan with a held discriminator",
        "ian with a held discriminator",
    ],
)
def test_two_replicas_step_like_one_device(name, own, two_replicas):
    shape = (32, 32, 3) if own is NOISY else SHAPE
    weights = {"r1": 2.0} if own in HELD.values() else None
    results = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        keras.utils.set_random_seed(3)
        with strategy.scope():
            model = _build(name, compiled=False, own=own, shape=shape, weights=weights)
            # Plain gradient descent: Adam blows rounding up where a gradient is zero.
            model.compile({player.name: _averaging_descent() for player in model.players})
        logs = []
        for stage in model.stages:
            model.enter_stage(stage)
            size = 4 * model.microbatches_per_step
            data = tf.data.Dataset.from_tensor_slices(_batch(3 * size, shape=shape))
            history = model.fit(data.batch(size, drop_remainder=True), verbose=0).history
            logs += history.values()
        averages = [v for each in model.player_optimizers.values() for v in each.variables]
        results.append((_values([*model.weights, *averages]), logs))
    assert _largest_difference(results[0][0], results[1][0]) < 1e-5
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4)


@EVERY
def test_bfloat16_runs_with_float32_weights_and_losses(name):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = _build(name)
    for stage in model.stages:
        model.enter_stage(stage)
        history = model.fit(tf.data.Dataset.from_tensors(_batch()), verbose=0).history
        assert np.isfinite(list(history.values())).all()
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert _called(model, 0).dtype == tf.float32


@pytest.mark.parametrize(
    ("name", "off", "moved"),
    [
        ("pix2pix", ("adversarial", "discriminator"), {"generator"}),
        ("cyclegan", ("discriminator",), {"generators"}),
        ("cyclegan", ("cycle", "identity", "adversarial"), {"discriminators"}),
    ],
)
def test_a_player_without_terms_sits_out(name, off, moved):
    model = _build(name, compiled=False, weights=dict.fromkeys(off, 0.0))
    model.compile(run_eagerly=True)
    before = {player.name: _values(model.variables_of(player)) for player in model.players}
    logs = model.train_step(_batch())
    assert not set(off) & {label.split("/")[1] for label in logs}
    for player in model.players:
        change = _largest_difference(before[player.name], _values(model.variables_of(player)))
        assert (change > 0) == (player.name in moved)


@EVERY
def test_switching_every_term_off_is_refused(name):
    translator, _ = METHODS[name].load()
    weights = {term.name: 0.0 for term in translator.terms}
    with pytest.raises(ValueError, match="every term has weight 0"):
        _build(name, compiled=False, weights=weights)


@EVERY
def test_each_signature_survives_saved_model_and_tflite(name, tmp_path):
    model = _build(name)
    bundle = exporters.export(model.signatures(), tmp_path / "bundle", recipes=("float32",))
    verification = exporters.verify(bundle)
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
            found = actual[spec.name]
            assert found.shape == (1, *spec.shape[1:])
            assert np.abs(found - np.asarray(expected[spec.name])).max() < 1e-4
            least, most = spec.value_range or (-np.inf, np.inf)
            assert least <= found.min() <= found.max() <= most
