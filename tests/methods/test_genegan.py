"""Facts of the GeneGAN paper and its published code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.methods.tiny import tiny_discriminator
from tf_translate.errors import ConfigError
from tf_translate.methods.genegan import Bursts, GeneGAN, GeneGANSettings

SHAPE = (16, 16, 4)
SMALL = {"base_filters": 4, "discriminator_filters": 4}


def _random(seed, count=2, shape=SHAPE):
    values = np.random.default_rng(seed).uniform(-1, 1, (count, *shape))
    return tf.constant(values, tf.float32)


def _batch(count=2, shape=SHAPE):
    return {"a": _random(0, count, shape), "b": _random(1, count, shape)}


def _channel_splitter():
    """Background: the first three channels; object: the fourth."""
    images = keras.Input(SHAPE)
    layer = keras.layers.Conv2D(4, 1, use_bias=False)
    background, object_code = keras.ops.split(layer(images), [3], axis=-1)
    layer.set_weights([np.eye(4, dtype=np.float32)[None, None]])
    return keras.Model(images, [background, object_code])


def _channel_joiner():
    """Concatenates the channels again, halved, so that no image is reconstructed exactly."""
    codes = [keras.Input((*SHAPE[:2], 3)), keras.Input((*SHAPE[:2], 1))]
    layer = keras.layers.Conv2D(4, 1, use_bias=False)
    images = layer(keras.layers.Concatenate()(codes))
    layer.set_weights([0.5 * np.eye(4, dtype=np.float32)[None, None]])
    return keras.Model(codes, images)


def _tiny(loss_weights=None, **settings):
    return GeneGAN(
        _channel_splitter(),
        _channel_joiner(),
        tiny_discriminator(SHAPE, "discriminator_a"),
        tiny_discriminator(SHAPE, "discriminator_b"),
        settings=GeneGANSettings(**settings),
        loss_weights=loss_weights,
    )


def _small(shape=(16, 16, 3), **settings):
    return GeneGAN.from_settings(GeneGANSettings(**SMALL, **settings), shape, shape)


def _by_hand(batch):
    """What the networks of `_tiny` must generate: half the channels of one or the other."""
    a, b = batch["a"].numpy(), batch["b"].numpy()
    no_object = np.zeros_like(a[..., 3:])
    return {
        "reconstructed_a": a / 2,
        "reconstructed_b": np.concatenate([b[..., :3], no_object], -1) / 2,
        "swapped_a": np.concatenate([b[..., :3], a[..., 3:]], -1) / 2,
        "swapped_b": np.concatenate([a[..., :3], no_object], -1) / 2,
        "object_b": b[..., 3:],
    }


def test_loss_weights_are_those_of_the_code():
    weights = {term.name: term.weight for term in GeneGAN.terms}
    assert weights == {
        "reconstruction": 1.0,
        "parallelogram": pytest.approx(0.01 * 255),  # 0.01 on [0, 255]
        "adversarial": 1.0,
        "discriminator": 1.0,
        "nulling": 1.0,
        "weight_decay": 5e-5,
        "gradient_penalty": 10.0,
    }


def test_default_settings_are_those_of_the_code():
    settings = GeneGANSettings()
    assert (settings.gan_mode, settings.clip) == ("wgan_clip", 0.01)
    assert (settings.discriminator_burst_turns, settings.discriminator_burst_every) == (100, 500)
    optimizer = settings.optimizer.model_dump()
    assert (optimizer["kind"], optimizer["learning_rate"], optimizer["rho"]) == (
        "rmsprop", 5e-5, 0.8,
    )  # fmt: skip
    other = _tiny().default_optimizer(GeneGAN.players[0])
    assert (float(other.learning_rate), other.rho) == (pytest.approx(5e-5), 0.8)
    assert other.initial_mean_square == 1.0


def test_batch_norm_is_that_of_tf_layers_computed_in_numpy():
    # Features of an untrained network have variances near 1e-3, so epsilon shows.
    model, images = _small(), _random(0, 4, (16, 16, 3))
    for network in (model.splitter, model.discriminator_a):
        norm = next(la for la in network.layers if isinstance(la, keras.layers.BatchNormalization))
        probe = keras.Model(network.inputs, [norm.input, norm.output])
        features, normalised = (np.asarray(one) for one in probe(images, training=True))
        mean, variance = features.mean((0, 1, 2)), features.var((0, 1, 2))
        assert variance.max() < 0.01
        expected = (features - mean) / np.sqrt(variance + 1e-3)
        np.testing.assert_allclose(normalised, expected, atol=1e-4)
        np.testing.assert_allclose(norm.moving_mean, 0.01 * mean, atol=1e-6)
        np.testing.assert_allclose(norm.moving_variance, 0.99 + 0.01 * variance, rtol=1e-5)


def test_batch_norm_can_have_other_constants():
    model = _small(batch_norm_epsilon=1e-5, batch_norm_momentum=0.9, batch_norm_scale_stddev=0.02)
    networks = (model.splitter, model.joiner, model.discriminator_a, model.discriminator_b)
    norms = [
        layer
        for network in networks
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 2 + 2 + 3 + 3
    assert {(norm.epsilon, norm.momentum) for norm in norms} == {(1e-5, 0.9)}
    scales = np.concatenate([np.asarray(norm.gamma) for norm in norms])
    assert scales.std() == pytest.approx(0.02, rel=0.3)  # of 108 values
    assert scales.mean() == pytest.approx(1.0, abs=0.01)


def test_children_have_exchanged_objects_and_that_of_b_is_replaced_by_zeros():
    # The fourth channel of b is not 0, so joining e instead of zeros would show it.
    batch = _batch()
    crossed = _tiny().cross_batch(batch)
    expected = _by_hand(batch)
    assert set(crossed) == set(expected)
    for name, images in expected.items():
        np.testing.assert_allclose(crossed[name], images, atol=1e-6, err_msg=name)


def test_objectives_equal_the_equations_written_in_numpy():
    model = _tiny()
    batch = _batch()
    expected_images = _by_hand(batch)
    shared = {name: tf.constant(images) for name, images in expected_images.items()}
    d_a, d_b = (
        lambda i, d=d: d(tf.constant(i)).numpy()
        for d in (model.discriminator_a, model.discriminator_b)
    )
    losses = model.discriminators_objective(batch, shared)
    expected = d_a(expected_images["swapped_a"]).mean() - d_a(batch["a"]).mean()
    expected += d_b(expected_images["swapped_b"]).mean() - d_b(batch["b"]).mean()
    assert float(losses["discriminator"]) == pytest.approx(expected, abs=1e-5)
    losses = {name: float(loss) for name, loss in model.generators_objective(batch, shared).items()}
    # The code's pixels, in [0, 1].
    a, b = ((batch[side].numpy() + 1) / 2 for side in "ab")
    unit = {name: (images + 1) / 2 for name, images in expected_images.items()}
    expected = {
        "reconstruction": np.abs(a - unit["reconstructed_a"]).mean()
        + np.abs(b - unit["reconstructed_b"]).mean(),
        "parallelogram": np.abs(a + b - unit["swapped_a"] - unit["swapped_b"]).mean(),
        "adversarial": -d_a(expected_images["swapped_a"]).mean()
        - d_b(expected_images["swapped_b"]).mean(),
        "nulling": np.abs(expected_images["object_b"]).mean(),
        "weight_decay": 0.5 * (1 / 4 + 0.25 / 4),  # 4 of 16 weights are 1, then 1/2
    }
    assert losses == pytest.approx(expected, abs=1e-5)


def test_the_exemplar_determines_the_child_and_loses_its_object():
    model = _small(norm="instance_affine")  # with untrained batch norm outputs are almost constant
    image, one, other = (_random(seed, 1, (16, 16, 3)) for seed in range(3))
    swap = model.signatures()["swap"].function
    first, second = (swap(image=image, exemplar=exemplar) for exemplar in (one, other))
    assert np.abs(first["image"] - second["image"]).max() > 1e-2
    # The exemplar without its object is the output of `remove`.
    np.testing.assert_allclose(first["exemplar"], model(one), atol=1e-6)
    assert np.abs(model(one)).max() > 1e-2


def test_the_strength_scales_the_object_from_none_to_all():
    model = _tiny()  # its joiner halves the values
    image, exemplar = _random(0, 3), _random(1, 3)
    signatures = model.signatures()
    strength = np.array([[0.0], [1.0], [0.5]], np.float32)
    added = signatures["add"].function(image=image, exemplar=exemplar, strength=strength)["image"]
    swapped = signatures["swap"].function(image=image, exemplar=exemplar)["image"]
    np.testing.assert_allclose(added[0], model(image)[0], atol=1e-6)
    np.testing.assert_allclose(added[1], swapped[1], atol=1e-6)
    np.testing.assert_allclose(swapped[1, ..., 3], exemplar[1, ..., 3] / 2, atol=1e-6)
    np.testing.assert_allclose(added[2, ..., 3], exemplar[2, ..., 3] / 4, atol=1e-6)
    np.testing.assert_allclose(added[..., :3], image[..., :3] / 2, atol=1e-6)


@pytest.mark.thorough
def test_all_weights_of_clipped_discriminators_are_within_the_limit():
    model = _small(clip=0.02)
    model.compile(run_eagerly=True)
    model.train_step(_batch(4, (16, 16, 3)))
    for discriminator in (model.discriminator_a, model.discriminator_b):
        names = {weight.name for weight in discriminator.trainable_weights}
        assert {"gamma", "beta", "kernel"} <= names
        largest = max(np.abs(weight.numpy()).max() for weight in discriminator.trainable_weights)
        assert largest == pytest.approx(0.02, rel=1e-6)
        scales = [w.numpy() for w in discriminator.trainable_weights if w.name == "gamma"]
        np.testing.assert_allclose(np.concatenate(scales), 0.02, rtol=1e-6)  # they start at 1
    assert max(np.abs(weight.numpy()).max() for weight in model.joiner.trainable_weights) > 0.5


def test_wgan_gp_has_a_gradient_penalty_instead_of_clipping():
    batch = _batch()
    for mode, terms in (
        ("wgan_gp", {"discriminator", "gradient_penalty"}),
        ("wgan_clip", {"discriminator"}),
    ):
        model = _tiny(gan_mode=mode)
        assert set(model.discriminators_objective(batch, model.cross_batch(batch))) == terms
        model.discriminator_a.layers[-1].kernel.assign_add(tf.ones((4, 4, 4, 1)))
        model.after_turn(model.player("discriminators"))
        largest = np.abs(model.discriminator_a.layers[-1].kernel.numpy()).max()
        assert (largest > 0.01 + 1e-6) == (mode == "wgan_gp")
    # Scores of 1/4 the mean pixel: gradient 1/4 * 1 / 1024 at each of 1024, norm 1/128.
    plain = keras.Input(SHAPE)
    flat = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(0.25 / 1024))
    discriminator = keras.Model(plain, flat(keras.layers.Flatten()(plain)))
    networks = (_channel_splitter(), _channel_joiner(), discriminator, discriminator)
    model = GeneGAN(*networks, settings=GeneGANSettings(gan_mode="wgan_gp"))
    losses = model.discriminators_objective(batch, model.cross_batch(batch))
    assert float(losses["gradient_penalty"]) == pytest.approx(2 * (1 - 1 / 128) ** 2, rel=1e-4)


@pytest.mark.slow
def test_bursts_are_at_their_steps_and_each_of_their_turns_is_a_step():
    model = _tiny(discriminator_burst_turns=4, discriminator_burst_every=3)
    model.compile()
    discriminators, generators = (
        model.player_optimizers[name] for name in ("discriminators", "generators")
    )
    turns = {}

    def record(batch, logs):
        turns.setdefault(int(generators.iterations.numpy()), int(discriminators.iterations.numpy()))

    data = tf.data.Dataset.from_tensors(_batch()).repeat(16)
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=record)
    model.fit(data, verbose=0, callbacks=[callback])
    cumulative = [0, *(turns[turn] for turn in range(1, 8))]  # the generators' first turn is 1
    assert np.diff(cumulative).tolist() == [4, 1, 1, 4, 1, 1, 4]
    assert int(model.steps_taken.numpy()) == 16  # a step is a batch


def test_a_burst_has_100_discriminator_turns_every_500_generator_turns():
    assert _tiny().variant_steps(10 * 599) == 10 * 99
    assert _tiny(loss_weights={"discriminator": 0.0}).variant_steps(599) == 0
    bursts, discriminators, generators = Bursts(100, 500), 0, []
    for step in range(1300):
        discriminators += 1
        if not bursts.alone(step):
            generators.append(discriminators)
            discriminators = 0
    assert [generators[i] for i in (0, 1, 499, 500, 501, 999, 1000)] == [100, 1, 1, 100, 1, 1, 100]
    assert bursts.generators_fraction == pytest.approx(500 / 599)


@pytest.mark.parametrize("turns", [0, 1])
def test_bursts_can_be_switched_off(turns):
    model = _tiny(discriminator_burst_turns=turns)
    assert not any(model.bursts.alone(step) for step in range(1000))
    assert model.fraction_of_steps(model.player("generators")) == 1.0


def test_each_direction_has_a_signature_and_examples_of_it():
    model = _small()
    a, b = (np.asarray(_random(seed, 2, (16, 16, 3))) for seed in (0, 1))
    examples = model.examples({"a": a, "b": b})
    assert examples["remove"]["image"] is a  # a to b removes the object
    assert examples["swap"]["image"] is b  # b to a adds the object of a
    assert examples["swap"]["exemplar"] is a
    signatures = model.signatures()
    assert set(model.directions.values()) <= set(signatures)
    for name, inputs in examples.items():
        assert set(inputs) == {spec.name for spec in signatures[name].inputs}
        for images in signatures[name].function(**inputs).values():
            assert images.shape == a.shape


def test_wrong_settings_and_shapes_are_refused():
    with pytest.raises(ConfigError, match="it must be 'wgan_clip' or 'wgan_gp'"):
        _tiny(gan_mode="wgan")
    with pytest.raises(
        ValueError, match="`discriminator_norm` must be 'instance_affine' or 'none'"
    ):
        _small(gan_mode="wgan_gp")
    with pytest.raises(ValueError, match="`shape_b` must equal `shape_a`"):
        GeneGAN.from_settings(GeneGANSettings(**SMALL), (16, 16, 3), (16, 16, 1))
