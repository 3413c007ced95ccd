"""Facts of IcGAN and its published code, and that its stages do not affect each other."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

import exporters
from tests.methods.tiny import count_passes
from tf_translate.methods.icgan import IcGAN, IcGANSettings

SHAPE = (16, 16, 3)
ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}
TINY = {**IcGAN.conformance.settings, "bn_recalibration_steps": 4}


def _model(weights=None, stage="gan", **settings):
    model = IcGAN.from_settings(
        IcGANSettings(**{**TINY, **settings}), SHAPE, attributes=ATTRIBUTES, loss_weights=weights
    )
    model.compile(run_eagerly=True)
    model.enter_stage(stage)
    return model


def _batch(count=4, seed=0):
    random = np.random.default_rng(seed)
    batch = {"image": random.uniform(-1, 1, (count, *SHAPE))}
    for name in ("attributes", "other_attributes", "sampled_attributes"):
        hair = np.eye(3)[random.integers(3, size=count)]
        batch[name] = np.concatenate([random.integers(2, size=(count, 1)), hair], 1)
    return {name: tf.constant(values, tf.float32) for name, values in batch.items()}


def _signed(values):
    return 2 * np.asarray(values) - 1


def _cross_entropy(logits, target):
    probability = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
    return -np.log(probability if target else 1 - probability).mean()


def _fit(model, steps, count=16):
    data = tf.data.Dataset.from_tensors(_batch(count)).repeat()
    model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False)


def _values(network):
    return [np.array(weight) for weight in network.weights]


def _same(values, network):
    return all(np.array_equal(a, b) for a, b in zip(values, _values(network), strict=True))


def test_loss_weights_are_those_of_the_code():
    weights = {term.name: term.weight for term in IcGAN.terms}
    assert weights == {
        "latent": 1.0, "attributes": 1.0, "adversarial": 1.0, "discriminator": 1.0,
        "mismatched": 0.5, "r1": 0.0,
    }  # fmt: skip


def test_networks_have_the_published_number_of_parameters():
    model = IcGAN.from_settings(
        IcGANSettings(), (64, 64, 3), attributes=dict(IcGAN.paper_attributes)
    )
    counts = {
        name: sum(int(np.prod(v.shape)) for v in getattr(model, name).trainable_variables)
        for name in model.network_names
    }
    assert counts == {
        "generator": 3_725_123,  # 3.725 M
        "discriminator": 2_803_393,  # 2.803 M
        "encoder_z": 18_278_244,  # 18.278 M
        "encoder_y": 3_186_962,  # 3.187 M
    }


def test_optimizers_are_those_of_the_code():
    found = {
        name: (float(one.learning_rate), one.beta_1)
        for name, one in _model().player_optimizers.items()
    }
    expected = {"discriminator": (2e-4, 0.5), "encoder_z": (1e-4, 0.1), "encoder_y": (1e-4, 0.1)}
    assert {name: found[name] for name in expected} == {
        name: (pytest.approx(rate), beta) for name, (rate, beta) in expected.items()
    }
    assert found["generator"] == found["discriminator"]


def test_the_losses_of_the_discriminator_are_three_cross_entropies():
    model, batch = _model(), _batch()
    generated = model.generate(batch)["generated"]
    image, own, others, sampled = (
        batch[name] for name in ("image", "attributes", "other_attributes", "sampled_attributes")
    )
    real, mismatched, fake = (
        model.discriminator([images, tf.constant(_signed(attributes), tf.float32)], training=True)
        for images, attributes in ((image, own), (image, others), (generated, sampled))
    )
    losses = model.discriminator_objective(batch, {"generated": generated})
    expected = _cross_entropy(real, 1) + 0.5 * _cross_entropy(fake, 0)
    assert float(losses["discriminator"]) == pytest.approx(expected, rel=1e-5)
    assert float(losses["mismatched"]) == pytest.approx(_cross_entropy(mismatched, 0), rel=1e-5)
    generator = model.generator_objective(batch, {"generated": generated})
    assert float(generator["adversarial"]) == pytest.approx(_cross_entropy(fake, 1), rel=1e-5)


def test_mismatched_attributes_are_those_of_other_images():
    """Fails if y is used as y_wrong: then a perfect discriminator would lose 20 nats."""
    model, batch = _model(), _batch()
    other = 1.0 - batch["attributes"]
    own = tf.constant(_signed(batch["attributes"]), tf.float32)

    def perfect(inputs, training):
        agree = tf.reduce_all(inputs[1] == own, -1)
        return tf.where(agree, 20.0, -20.0)

    model.discriminator = perfect
    losses = model.discriminator_objective(
        {**batch, "other_attributes": other, "sampled_attributes": other},
        {"generated": batch["image"]},
    )
    assert float(losses["mismatched"]) == pytest.approx(0.0, abs=1e-6)
    assert float(losses["discriminator"]) == pytest.approx(0.0, abs=1e-6)


def test_mismatched_pairs_can_be_left_out():
    model = _model({"mismatched": 0.0})
    assert list(model.train_step(_batch())) == ["domain/adversarial", "domain/discriminator"]


def test_each_network_runs_as_often_as_the_equations_need(monkeypatch):
    model = _model()
    calls = count_passes(model, monkeypatch)
    model.train_step(_batch())
    # G(z, y'); D on real, mismatched and generated images, and on generated ones again.
    assert calls == {"generator": 1, "discriminator": 4, "encoder_z": 0, "encoder_y": 0}
    model.enter_stage("encoder_z")
    model.train_step(_batch())
    assert calls == {"generator": 2, "discriminator": 4, "encoder_z": 1, "encoder_y": 0}


def test_the_losses_of_the_encoders_are_mean_squared_errors():
    model, batch = _model(), _batch()
    model.encoder_z = lambda images, training: tf.zeros([4, 5])
    noise = model.sample_z(batch).numpy()
    loss = model.encoder_z_objective(batch, {})["latent"]
    assert float(loss) == pytest.approx((noise**2).mean(), rel=1e-5)
    model.encoder_y = lambda images, training: tf.zeros([4, 4])
    assert float(model.encoder_y_objective(batch, {})["attributes"]) == pytest.approx(1.0)


def test_z_is_normal_and_differs_between_steps():
    model, batch = _model(latent=50), _batch(200)
    first = model.sample_z(batch).numpy()
    assert first.shape == (200, 50)
    assert abs(first.mean()) < 0.05  # five standard errors of 10,000 values
    assert first.std() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_array_equal(model.sample_z(batch), first)
    model.steps_taken.assign_add(1)
    assert not np.allclose(model.sample_z(batch), first)


def test_the_latent_encoder_never_sees_a_real_image(monkeypatch):
    model, batch = _model(stage="encoder_z"), _batch()
    assert list(model.train_step(batch)) == ["content/latent"]
    losses = [
        float(model.encoder_z_objective(batch | {"image": images}, {})["latent"])
        for images in (tf.zeros_like(batch["image"]), tf.ones_like(batch["image"]))
    ]
    assert losses[0] == losses[1]
    inputs = []
    plain = model.encoder_z.call
    monkeypatch.setattr(
        model.encoder_z, "call", lambda images, **k: inputs.append(images) or plain(images, **k)
    )
    for stage in ("gan", "encoder_y"):
        model.enter_stage(stage)
        model.train_step(batch)
    assert not inputs


def _distance_from_training_mode(model):
    """Mean squared difference of the generator in inference and in training mode."""
    batch = _batch(256, seed=5)
    noise = model.sample_z(batch)
    inference = model.generate_from(batch, noise, training=False).numpy()
    before = _values(model.generator)
    training = model.generate_from(batch, noise, training=True).numpy()
    for weight, value in zip(model.generator.weights, before, strict=True):
        weight.assign(value)
    return float(((inference - training) ** 2).mean())


def _generator_with_stale_statistics(model):
    """Changes weights so that the moving statistics no longer fit them."""
    for weight in model.generator.trainable_weights:
        if "kernel" in weight.path:
            weight.assign(15.0 * weight)


@pytest.mark.thorough
@pytest.mark.parametrize("eagerly", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_first_steps_of_encoder_z_recalibrate_the_generators_batch_norm(eagerly):
    model = _model(bn_recalibration_steps=40)
    _generator_with_stale_statistics(model)
    before = _distance_from_training_mode(model)
    model.compile(run_eagerly=eagerly)
    model.enter_stage("encoder_z")
    _fit(model, 40, count=32)
    assert _distance_from_training_mode(model) < before / 10


def test_recalibration_sees_large_batches_and_the_encoder_its_own():
    model, batch = _model(stage="encoder_z", bn_recalibration_batch_size=16), _batch(6)
    norm = next(la for la in model.generator.layers if "batch_norm" in la.name)
    probe = keras.Model(model.generator.inputs, [norm.input, model.generator.output])
    generated, encoded = [], []
    generator, encoder = model.generator, model.encoder_z
    model.generator = lambda inputs, training: (
        generated.append(inputs) or generator(inputs, training=training)
    )
    model.encoder_z = lambda images, training: (
        encoded.append(images) or encoder(images, training=training)
    )
    model.step_variants.in_variant = True
    loss = float(model.encoder_z_objective(batch, {})["latent"])
    ((z, attributes),) = generated
    assert len(np.unique(z, axis=0)) == 18  # three times 6, the first multiple above 16
    expected = np.repeat(_signed(batch["sampled_attributes"]), 3, axis=0)
    np.testing.assert_array_equal(attributes, expected)
    features, images = (np.asarray(one) for one in probe([z, attributes], training=True))
    np.testing.assert_allclose(encoded[0], images[::3], atol=1e-5)
    latents = np.asarray(encoder(encoded[0], training=True))
    assert loss == pytest.approx(((latents - np.asarray(z)[::3]) ** 2).mean(), rel=1e-4)
    # Twice by now, with momentum 0.9.
    np.testing.assert_allclose(norm.moving_mean, 0.19 * features.mean((0, 1, 2)), atol=1e-6)


@pytest.mark.slow
def test_recalibration_takes_batches_of_any_size():
    model, batch = _model(stage="encoder_z", bn_recalibration_batch_size=9), _batch(5)
    model.step_variants.in_variant = True
    images = tf.TensorSpec([None, *SHAPE])
    vectors = dict.fromkeys(set(batch) - {"image"}, tf.TensorSpec([None, 4]))
    traced = tf.function(model.inversion_loss, input_signature=[{"image": images, **vectors}])
    assert float(traced(batch)) == pytest.approx(float(model.inversion_loss(batch)), rel=1e-3)


@pytest.mark.slow
def test_encoder_z_learns_from_the_moving_average_of_the_generator():
    model = IcGAN.from_settings(IcGANSettings(**TINY), SHAPE, attributes=ATTRIBUTES)
    averaged = keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5)
    others = {
        player.name: keras.optimizers.Adam(0.01)
        for player in model.players
        if player.name != "generator"
    }
    model.compile({"generator": averaged, **others})
    expected = []
    for step in range(3):
        _fit(model, 1)
        values = [np.array(weight) for weight in model.generator.trainable_weights]
        # Keras starts the average at the weights after the first step.
        pairs = zip(expected or values, values, strict=True)
        expected = [0.5 * before + 0.5 * after for before, after in pairs]
        assert step == 0 or not np.allclose(expected[0], values[0], rtol=0, atol=1e-4)
    model.enter_stage("encoder_z")
    for average, weight in zip(expected, model.generator.trainable_weights, strict=True):
        np.testing.assert_allclose(weight, average, rtol=0, atol=1e-6)


def test_only_the_generator_has_a_moving_average_as_encoders_keep_their_batch_norm():
    assert {player.name for player in IcGAN.players if player.ema_if_enabled} == {"generator"}


def test_a_generator_with_resize_convolutions_has_no_strided_transposed_convolution():
    networks = IcGAN.build_networks(
        IcGANSettings(**TINY, upsampling="resize"), SHAPE, attributes=ATTRIBUTES
    )
    layers = networks["generator"].layers
    strides = [one.strides for one in layers if isinstance(one, keras.layers.Conv2DTranspose)]
    assert strides == [(1, 1)]  # from z to 4x4
    kernels = [one.kernel_size for one in layers if isinstance(one, keras.layers.Conv2D)]
    assert kernels == [(3, 3), (3, 3)]


def test_after_recalibration_weights_and_statistics_of_the_generator_are_frozen():
    model = _model(stage="encoder_z")
    trained = [np.array(v) for v in model.generator.trainable_variables]
    before = _values(model.generator)
    _fit(model, 4)
    assert model.variant_steps(100) == 4
    assert not _same(before, model.generator)  # four recalibration steps
    before, encoder = _values(model.generator), _values(model.encoder_z)
    _fit(model, 3)
    assert _same(before, model.generator)
    assert not _same(encoder, model.encoder_z)
    model.enter_stage("encoder_y")
    _fit(model, 2)
    assert _same(before, model.generator)
    after = [np.array(v) for v in model.generator.trainable_variables]
    assert all(np.array_equal(a, b) for a, b in zip(trained, after, strict=True))


def test_without_recalibration_the_generator_is_unchanged():
    model = _model(stage="encoder_z", bn_recalibration_steps=0)
    before = _values(model.generator)
    _fit(model, 2)
    assert _same(before, model.generator)


@pytest.mark.slow
def test_a_run_resumed_during_recalibration_equals_an_uninterrupted_one(tmp_path):
    model = _model(stage="encoder_z")
    _fit(model, 2)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    for one in (model, copy):
        _fit(one, 4)  # two recalibration steps and two others
    assert copy.settings.bn_recalibration_steps == 4
    assert _same(_values(model.generator), copy.generator)
    assert _same(_values(model.encoder_z), copy.encoder_z)


@pytest.mark.slow
def test_two_replicas_recalibrate_like_one_device(two_replicas):
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        keras.utils.set_random_seed(3)
        with strategy.scope():
            model = IcGAN.from_settings(
                IcGANSettings(**{**TINY, "bn_recalibration_steps": 2}), SHAPE, attributes=ATTRIBUTES
            )
            model.compile({player.name: keras.optimizers.SGD(0.01) for player in model.players})
        model.enter_stage("encoder_z")
        data = tf.data.Dataset.from_tensor_slices(_batch(24)).batch(8, drop_remainder=True)
        model.fit(data, verbose=0, shuffle=False)
        found.append(_values(model.generator) + _values(model.encoder_z))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_encode_returns_attributes_clipped_to_0_and_1():
    model = _model()
    model.encoder_y = lambda image, training: tf.constant([[-3.0, 0.5, 0.0, 1.5]])
    encoded = model.signatures()["encode"].function(image=_batch(1)["image"])
    np.testing.assert_allclose(encoded["attributes"], [[0.0, 0.75, 0.5, 1.0]])
    assert encoded["latent"].shape == (1, 5)


def test_translate_is_encode_and_decode_with_the_target_attributes():
    model, batch = _model(), _batch(2)
    signatures = model.signatures()
    latent = signatures["encode"].function(image=batch["image"])["latent"]
    target = batch["other_attributes"]
    halves = signatures["decode"].function(latent=latent, attributes=target)["image"]
    whole = signatures["translate"].function(image=batch["image"], attributes=target)["image"]
    np.testing.assert_allclose(whole, halves, atol=1e-6)
    expected = model.generator([latent, tf.constant(_signed(target), tf.float32)], training=False)
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    assert signatures["translate"].inputs[1].labels == (
        "glasses", "hair=black", "hair=blond", "hair=grey",
    )  # fmt: skip


def test_swap_exchanges_the_attributes_that_encoder_y_predicts():
    model, batch = _model(), _batch(2)
    image, exemplar = batch["image"][:1], batch["image"][1:]
    # Glasses (0.2 is above 0) and blond; no glasses and grey (the least negative).
    predicted = {0: [[0.2, -0.9, 0.1, 0.0]], 1: [[-0.1, -0.9, -0.8, -0.2]]}
    model.encoder_y = lambda images, training: tf.constant(
        predicted[int(not np.array_equal(images, image))]
    )
    swapped = model.signatures()["swap"].function(image=image, exemplar=exemplar)
    exchanged = {"image": [[0.0, 0, 0, 1]], "exemplar": [[1.0, 0, 1, 0]]}
    for name, images in (("image", image), ("exemplar", exemplar)):
        latent = model.encoder_z(images, training=False)
        expected = model.generator(
            [latent, tf.constant(_signed(exchanged[name]), tf.float32)], training=False
        )
        np.testing.assert_allclose(swapped[name], expected, atol=1e-6)


def test_networks_that_do_not_fit_each_other_are_refused():
    model, other = _model(), _model(latent=6)
    networks = [model.generator, model.discriminator, model.encoder_z, model.encoder_y]
    with pytest.raises(
        ValueError, match="have 1 columns, but the generator takes 4, the discriminator"
    ):
        IcGAN(*networks, attributes={"glasses": ["0", "1"]})
    networks[2] = other.encoder_z
    with pytest.raises(
        ValueError, match="must output the 5 values of z that the generator takes, it outputs 6"
    ):
        IcGAN(*networks, attributes=ATTRIBUTES)


def test_the_mask_blend_equals_ians_formula_in_numpy():
    """The reconstruction is generated with the attributes that encoder_y predicts."""
    model, batch = _model(mask_blend=True), _batch(3)
    # Untrained networks hardly depend on attributes, so the mask would be 0.
    _generator_with_stale_statistics(model)
    image, predicted = batch["image"], np.float32([[0, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1]])
    model.encoder_y = lambda images, training: tf.constant(_signed(predicted))
    target = np.float32([[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0]])
    latent = model.encoder_z(image, training=False)
    reconstructed, edited = (
        model.generator([latent, tf.constant(_signed(attributes))], training=False).numpy()
        for attributes in (predicted, target)
    )
    blended = model.signatures()["translate"].function(image=image, attributes=target)["image"]
    size = np.minimum(np.abs(edited - reconstructed).mean(-1), 1.0)
    mask = np.stack([gaussian_filter(one, 0.7) for one in size])[..., None]
    error = image.numpy() - reconstructed
    expected = reconstructed + mask * (edited - reconstructed) + (1 - mask) * error
    np.testing.assert_allclose(blended, expected, atol=1e-5)
    assert mask[0].max() > 0.01
    # The target attributes of the second image are its own, so it is unchanged.
    np.testing.assert_array_equal(blended[1], image[1])


@pytest.mark.slow
def test_the_mask_blend_is_off_by_default_saved_and_recorded(tmp_path):
    for on, setting in ((False, "off"), (True, "on")):
        model = _model(mask_blend=on) if on else _model()
        model.save(tmp_path / f"{setting}.keras")
        copy = keras.models.load_model(tmp_path / f"{setting}.keras")
        assert copy.settings.mask_blend is on
        assert copy.signatures()["translate"].inference_behavior["mask_blend"] == setting


@pytest.mark.slow
def test_the_mask_blend_is_exported_to_tflite(tmp_path):
    model = _model(mask_blend=True)
    only = {"translate": model.signatures()["translate"]}
    bundle = exporters.export(only, tmp_path / "bundle", recipes=("float32",))
    verification = exporters.verify(bundle, isolated=False)
    assert verification.passed, verification.failures


def test_noise_is_on_all_images_of_the_discriminator_and_on_no_others(monkeypatch):
    model, batch = _model(discriminator_noise=0.2), _batch(64)
    images, discriminator = [], model.discriminator

    def recording(inputs, training):
        images.append(np.asarray(inputs[0]))
        return discriminator(inputs, training=training)

    monkeypatch.setattr(model, "discriminator", recording)
    shared = model.generate(batch)
    model.discriminator_objective(batch, shared)
    clean = [batch["image"], shared["generated"], batch["image"]]
    noises = [noisy - np.asarray(image) for noisy, image in zip(images, clean, strict=True)]
    for noise in noises:
        assert noise.std() == pytest.approx(0.2, rel=0.02)  # of 49,152 values
        assert abs(noise.mean()) < 0.005
    assert abs(np.corrcoef(noises[0].ravel(), noises[2].ravel())[0, 1]) < 0.03
    model.generator_objective(batch, shared)
    np.testing.assert_array_equal(images[1], images[3])  # both players get the same image
    assert _model(discriminator_noise=0.2).get_config()["settings"]["discriminator_noise"] == 0.2


def test_r1_needs_no_second_forward_pass_of_real_images(monkeypatch):
    model, batch = _model({"r1": 2.0}), _batch()
    passes = count_passes(model, monkeypatch)
    losses = model.discriminator_objective(batch, model.generate(batch))
    assert set(losses) == {"discriminator", "mismatched", "r1"}
    assert passes["discriminator"] == 3  # real, generated, mismatched
    assert float(losses["r1"]) > 0
