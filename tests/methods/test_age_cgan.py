"""Facts of Age-cGAN, its stages, and that the search for z changes z and nothing else."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import exporters
from exporters.tflite_graph.summary import read_graph
from tf_translate.methods.age_cgan import AgeCGAN, AgeCGANSettings

SHAPE = (8, 8, 3)
TONES = {"tone": ["0", "1", "2"]}
TINY = {
    **AgeCGAN.conformance.settings, "bn_recalibration_steps": 3,
    "search": {"steps": 3, "iterations": 8},
}  # fmt: skip


def _model(weights=None, stage="gan", shape=SHAPE, **settings):
    keras.utils.set_random_seed(7)
    model = AgeCGAN.from_settings(
        AgeCGANSettings(**{**TINY, **settings}), shape, attributes=TONES, loss_weights=weights
    )
    # Weights of N(0, 0.02) generate grey whatever z is; larger ones make images differ.
    for variable in model.generator.trainable_variables:
        if "kernel" in variable.path:
            variable.assign(variable * 10.0)
    model.compile(run_eagerly=True)
    model.enter_stage(stage)
    return model


def _batch(count=4, seed=0):
    random = np.random.default_rng(seed)
    batch = {"image": random.uniform(-1, 1, (count, *SHAPE))}
    for name in ("attributes", "other_attributes", "sampled_attributes"):
        batch[name] = np.eye(3)[random.integers(3, size=count)]
    return {name: tf.constant(values, tf.float32) for name, values in batch.items()}


def _signed(values):
    return tf.constant(2 * np.asarray(values) - 1, tf.float32)


def _values(*networks):
    return [np.array(weight) for network in networks for weight in network.weights]


def _same(values, *networks):
    return all(np.array_equal(a, b) for a, b in zip(values, _values(*networks), strict=True))


def _fit(model, steps):
    data = tf.data.Dataset.from_tensors(_batch()).repeat()
    model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False)


def _cross_entropy(logits, target):
    probability = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
    return -np.log(probability if target else 1 - probability).mean()


def _objective(model, latents, batch, weights):
    """By the equation, in NumPy, from the outputs of G and FR: identity, euclidean, L1."""
    generated = model.generator([latents, _signed(batch["attributes"])], training=False).numpy()
    images = batch["image"].numpy()
    target, found = (
        model.identity_embedder(i, training=False).numpy() for i in (images, generated)
    )
    distances = (
        np.sqrt(((target - found) ** 2).sum(1)),
        np.sqrt(((images - generated) ** 2).mean((1, 2, 3))),
        np.abs(images - generated).mean((1, 2, 3)),
    )
    return sum(weight * distance for weight, distance in zip(weights, distances, strict=True))


def test_networks_have_the_published_number_of_parameters():
    model = AgeCGAN.from_settings(
        AgeCGANSettings(), (64, 64, 3), attributes=dict(AgeCGAN.paper_attributes)
    )
    counts = {
        name: sum(int(np.prod(v.shape)) for v in getattr(model, name).trainable_variables)
        for name in ("generator", "discriminator", "encoder")
    }
    assert counts == {
        # 12 of 118 inputs fewer than IcGAN's into 4 x 4 x 512: 3,725,123 - 12 * 8,192.
        "generator": 3_626_819,  # 3.63 M
        # 12 of 82 maps fewer into 4 x 4 x 128: 2,803,393 - 12 * 2,048.
        "discriminator": 2_778_817,  # 2.78 M
        "encoder": 18_278_244,  # 18.28 M
    }


def test_mismatched_pairs_are_off_by_default_as_in_the_paper():
    weights = {term.name: term.weight for term in AgeCGAN.terms}
    assert weights == {
        "latent": 1.0, "nt_xent": 1.0, "adversarial": 1.0, "discriminator": 1.0, "mismatched": 0.0,
        "r1": 0.0,
    }  # fmt: skip
    assert list(_model().train_step(_batch())) == ["domain/adversarial", "domain/discriminator"]
    logs = _model({"mismatched": 0.5}).train_step(_batch())
    assert list(logs) == ["domain/adversarial", "domain/discriminator", "domain/mismatched"]


def test_optimizers_are_those_of_icgan_and_one_for_the_identity_embedder():
    found = {
        name: (pytest.approx(float(one.learning_rate)), one.beta_1)
        for name, one in _model().player_optimizers.items()
    }
    assert found == {
        "identity_embedder": (1e-3, 0.9), "discriminator": (2e-4, 0.5), "generator": (2e-4, 0.5),
        "encoder": (1e-4, 0.1),
    }  # fmt: skip


def test_real_and_generated_images_have_equal_weight_for_the_discriminator():
    model, batch = _model({"mismatched": 1.0}), _batch()
    generated = model.generate(batch)["generated"]
    image, own, others, sampled = (
        batch[name] for name in ("image", "attributes", "other_attributes", "sampled_attributes")
    )
    real, mismatched, fake = (
        model.discriminator([images, _signed(attributes)], training=True)
        for images, attributes in ((image, own), (image, others), (generated, sampled))
    )
    losses = model.discriminator_objective(batch, {"generated": generated})
    expected = _cross_entropy(real, 1) + _cross_entropy(fake, 0)
    assert float(losses["discriminator"]) == pytest.approx(expected, rel=1e-5)
    assert float(losses["mismatched"]) == pytest.approx(_cross_entropy(mismatched, 0), rel=1e-5)
    generator = model.generator_objective(batch, {"generated": generated})
    assert float(generator["adversarial"]) == pytest.approx(_cross_entropy(fake, 1), rel=1e-5)


def test_the_encoder_learns_z_by_squared_error_and_never_sees_real_images():
    model, batch = _model(stage="encoder"), _batch()
    noise, inputs = model.sample_z(batch), []

    def encoder(images, training):
        inputs.append(images.numpy())
        return tf.zeros([4, 5])

    model.encoder = encoder
    loss = model.encoder_objective({**batch, "image": None}, {})["latent"]
    assert float(loss) == pytest.approx((noise.numpy() ** 2).mean(), rel=1e-5)
    generated = model.generator([noise, _signed(batch["sampled_attributes"])], training=False)
    np.testing.assert_allclose(inputs[0], generated, atol=1e-6)


def test_the_encoders_stage_recalibrates_batch_norm_first_and_updates_no_other_weight():
    model = _model(stage="encoder")
    others = model.discriminator, model.identity_embedder
    before, statistics = _values(*others), _values(model.generator)
    trained = [np.array(v) for v in model.generator.trainable_variables]
    _fit(model, 3)
    assert not _same(statistics, model.generator)  # recalibrated
    statistics, encoder = _values(model.generator), _values(model.encoder)
    _fit(model, 2)
    assert _same(statistics, model.generator)
    assert _same(before, *others)
    assert not _same(encoder, model.encoder)
    after = [np.array(v) for v in model.generator.trainable_variables]
    assert all(np.array_equal(a, b) for a, b in zip(trained, after, strict=True))


def test_without_the_step_variant_batch_norm_is_not_recalibrated():
    model = _model(stage="encoder")
    model.step_variants._next_step_is_variant = lambda: False
    statistics = _values(model.generator)
    _fit(model, 3)
    assert _same(statistics, model.generator)  # so the test above would fail


def test_the_identity_embedder_learns_in_its_own_stage_alone():
    model = _model(stage="identity_embedder")
    assert model.stages == ("identity_embedder", "gan", "encoder")
    before, others = _values(model.identity_embedder), _values(model.generator, model.discriminator)
    _fit(model, 1)
    assert not _same(before, model.identity_embedder)
    assert _same(others, model.generator, model.discriminator)
    trained = _values(model.identity_embedder)
    for stage in ("gan", "encoder"):
        model.enter_stage(stage)
        _fit(model, 1)
    assert _same(trained, model.identity_embedder)


@pytest.mark.parametrize(
    ("objective", "weights"),
    [("identity", (1, 0, 0)), ("pixelwise", (0, 1, 0)), ("mixed", (1, 0, 0.5))],
)
def test_search_objectives_equal_their_equations_in_numpy(objective, weights):
    model, batch = _model(search={"pixels": 0.5}), _batch()
    latents = tf.constant(np.random.default_rng(1).normal(size=(4, 5)), tf.float32)
    search = model.latent_search(objective)
    values = search.values(latents, search.target(batch["image"], batch["attributes"]))
    np.testing.assert_allclose(values, _objective(model, latents, batch, weights), atol=1e-5)


def test_the_prior_of_the_search_is_the_mean_square_of_z():
    model, batch = _model(search={"prior": 2.0}), _batch()
    latents = tf.constant(np.random.default_rng(1).normal(size=(4, 5)), tf.float32)
    search = model.latent_search("identity")
    values = search.values(latents, search.target(batch["image"], batch["attributes"]))
    expected = _objective(model, latents, batch, (1, 0, 0)) + 2 * (latents.numpy() ** 2).mean(1)
    np.testing.assert_allclose(values, expected, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("method", ["lbfgs", "unrolled"])
def test_a_search_lowers_its_objective_and_changes_no_weight(method):
    model, batch = _model(), _batch(2)
    before = _values(*(getattr(model, name) for name in model.network_names))
    target = batch["other_attributes"]
    images, found = model.preserve(batch["image"], batch["attributes"], target, method=method)
    start = model.encoder(batch["image"], training=False)
    for latents, values in ((start, found.before), (tf.constant(found.latents), found.after)):
        np.testing.assert_allclose(values, _objective(model, latents, batch, (1, 0, 0)), atol=1e-5)
    assert (found.after < found.before).all()
    generated = model.generator([tf.constant(found.latents), _signed(target)], training=False)
    np.testing.assert_allclose(images, generated, atol=1e-6)
    assert _same(before, *(getattr(model, name) for name in model.network_names))


@pytest.mark.thorough
def test_the_identity_distance_decreases_with_every_iteration():
    model, batch = _model(), _batch(2)
    _, found = model.preserve(batch["image"], batch["attributes"], batch["attributes"])
    for path, before, after in zip(found.paths, found.before, found.after, strict=True):
        assert (path[0], path[-1]) == (before, after)
        assert len(path) > 3
        assert (np.diff(path) <= 0).all()


def _steps_by_hand(model, batch, start, steps, rate, momentum):
    """Gradient descent with exact gradients of ReLUs; returns the start where it is not worse."""
    step, squares, latents, values = np.zeros(start.shape), 0.0, start, []
    target = model.identity_embedder(batch["image"], training=False)
    for index in range(steps + 1):
        with tf.GradientTape() as tape:
            tape.watch(latents)
            generated = model.generator([latents, _signed(batch["attributes"])], training=False)
            found = model.identity_embedder(generated, training=False)
            value = tf.norm(found - target, axis=1)
        values.append(value.numpy())
        gradient = tape.gradient(value, latents).numpy()
        squares = squares + np.square(gradient).sum(1, keepdims=True)
        step = momentum * step + gradient / np.sqrt(squares)
        decayed_rate = rate * (steps - index) / steps  # 0 at the last value
        latents = tf.constant(latents - decayed_rate * step, tf.float32)
    return np.where((values[-1] < values[0])[:, None], latents, start)


@pytest.mark.thorough
def test_gradient_steps_in_the_graph_equal_a_computation_by_hand():
    model, batch = (
        _model(
            search={"steps": 4, "learning_rate": 0.5, "momentum": 0.3, "relu_gradient_width": 0}
        ),
        _batch(),
    )
    start = model.encoder(batch["image"], training=False)
    expected = _steps_by_hand(model, batch, start, 4, 0.5, 0.3)
    search = model.latent_search(smoothed=True)
    latents = search.descend(start, search.target(batch["image"], batch["attributes"]))
    np.testing.assert_allclose(latents, expected, atol=1e-4)
    assert np.abs(latents - start).max() > 0.1


@pytest.mark.thorough
def test_a_search_never_ends_worse_than_it_started():
    model, batch = _model(search={"steps": 2, "learning_rate": 1e3}), _batch()
    _, found = model.preserve(
        batch["image"], batch["attributes"], batch["attributes"], method="unrolled"
    )
    assert (found.after <= found.before + 1e-6).all()


def test_the_search_uses_the_current_weights():
    model, batch = _model(), _batch()
    search = model.latent_search()
    target = search.target(batch["image"], batch["attributes"])
    start = model.encoder(batch["image"], training=False)
    before = search.values_and_gradients(start, target)[0].numpy()
    for variable in model.generator.trainable_variables:
        variable.assign(variable * 0.5)
    after = search.values_and_gradients(start, target)[0].numpy()
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, _objective(model, start, batch, (1, 0, 0)), atol=1e-5)


@pytest.mark.slow
def test_translate_preserving_gives_the_same_images_in_tflite_and_in_python(tmp_path):
    # Features of untrained networks are small compared with the default relu_gradient_width.
    model, batch = (
        _model(search={"steps": 3, "iterations": 8, "relu_gradient_width": 1.0}),
        _batch(1),
    )
    signature = model.signatures()["translate_preserving"]
    assert signature.inference_behavior["search"] == (
        "3 steps of gradient descent with learning rate 0.5, decreasing, and momentum 0.5, "
        "objective identity, gradients of ReLUs smoothed over 1"
    )
    assert signature.inputs[1].labels == ("own_tone=0", "own_tone=1", "own_tone=2")
    bundle = exporters.export({signature.name: signature}, tmp_path / "b", recipes=("float32",))
    graph = read_graph((bundle / "float32.tflite").read_bytes())
    assert not graph.custom
    inputs = {
        "image": batch["image"].numpy(),
        "own_attributes": batch["attributes"].numpy(),
        "attributes": batch["other_attributes"].numpy(),
    }
    runner = exporters.Runner(exporters.open_bundle(bundle))
    exported = runner.run(signature.name, inputs)["image"]
    images, found = model.preserve(
        inputs["image"], inputs["own_attributes"], inputs["attributes"], method="unrolled"
    )
    np.testing.assert_allclose(exported, images, atol=1e-3)
    assert found.after < found.before
    # Without an active step the latent is E's, and the image that of `translate`.
    without_steps = runner.run(signature.name, inputs | {"steps": np.zeros((1, 1), np.float32)})[
        "image"
    ]
    fast = model({"image": inputs["image"], "attributes": inputs["attributes"]})
    np.testing.assert_allclose(without_steps, fast, atol=1e-3)
    assert np.abs(exported - fast).max() > 1e-2  # the steps changed the image


@pytest.mark.thorough
def test_with_the_mask_blend_the_same_age_returns_the_image_and_another_changes_it():
    model, batch = _model(mask_blend=True), _batch()
    own, image = batch["attributes"], batch["image"]
    preserving = model.signatures()["translate_preserving"]
    assert preserving.inference_behavior["mask_blend"] == "on"
    same = preserving.function(image=image, own_attributes=own, attributes=own)["image"]
    np.testing.assert_allclose(same, image, atol=1e-6)  # no difference is blended in
    other = tf.roll(own, 1, -1)
    edited = preserving.function(image=image, own_attributes=own, attributes=other)["image"]
    assert np.abs(edited - image).max() > 1e-3
    # Without it the same age changes the image too; `preserve` agrees with the signature.
    plain = _model().signatures()["translate_preserving"]
    assert plain.inference_behavior["mask_blend"] == "off"
    generated = plain.function(image=image, own_attributes=own, attributes=own)["image"]
    assert np.abs(generated - image).max() > 1e-3
    python, _ = model.preserve(image, own, other, method="unrolled")
    np.testing.assert_allclose(python, edited, atol=1e-4)


def test_encode_and_decode_together_equal_translate():
    model, batch = _model(), _batch(2)
    signatures = model.signatures()
    latent = signatures["encode"].function(image=batch["image"])["latent"]
    target = batch["other_attributes"]
    halves = signatures["decode"].function(latent=latent, attributes=target)["image"]
    whole = signatures["translate"].function(image=batch["image"], attributes=target)["image"]
    np.testing.assert_allclose(whole, halves, atol=1e-6)


def _saved_identity_embedder(tmp_path):
    """An identity embedder of grey images in [0, 1] of another size, with all kinds of ReLU."""
    images = keras.Input((6, 6, 1))
    features = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(images)
    features = keras.layers.LeakyReLU(0.2)(features)
    features = keras.layers.ReLU()(keras.layers.Conv2D(4, 1)(features))
    network = keras.Model(images, keras.layers.Dense(3)(keras.layers.Flatten()(features)))
    network.save(tmp_path / "given.keras")
    return network


@pytest.mark.slow
def test_a_given_identity_embedder_is_adapted_frozen_and_saved_with_the_model(tmp_path):
    given = _saved_identity_embedder(tmp_path)
    model = _model(
        identity_embedder=str(tmp_path / "given.keras"), identity_embedder_range=(0.0, 1.0)
    )
    assert model.stages == ("gan", "encoder")
    batch = _batch(2)
    small = tf.image.resize(batch["image"], (6, 6), antialias=True)
    grey = (tf.reduce_mean(small, -1, keepdims=True) + 1.0) / 2.0
    expected = given(grey).numpy()
    found = model.identity_embedder(batch["image"], training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    before = _values(model.identity_embedder)
    for stage in model.stages:
        model.enter_stage(stage)
        _fit(model, 1)
    signature = model.signatures()["translate_preserving"]
    assert _same(before, model.identity_embedder)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    assert copy.stages == ("gan", "encoder")
    again = copy.identity_embedder(batch["image"], training=False)
    np.testing.assert_allclose(again, expected, atol=1e-5)
    bundle = exporters.export({signature.name: signature}, tmp_path / "b", recipes=("float32",))
    assert exporters.verify(bundle, isolated=False).passed


def test_wrong_arguments_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"`identity_embedder` must be a \.keras file"):
        _model(identity_embedder=str(tmp_path / "none.keras"))
    model = _model()
    with pytest.raises(ValueError, match=r"`objective` must be one of .* got 'similarity'"):
        model.latent_search("similarity")
    with pytest.raises(ValueError, match="`method` must be 'lbfgs' or 'unrolled', got 'adam'"):
        model.preserve(None, None, None, method="adam")
    networks = [getattr(model, n) for n in ("generator", "discriminator", "encoder", "generator")]
    with pytest.raises(
        ValueError, match="`identity_embedder` must take the images of the generator"
    ):
        AgeCGAN(*networks, attributes=TONES)
    networks[3] = model.identity_embedder
    with pytest.raises(
        ValueError, match="have 1 columns, but the generator takes 3, the discriminator 3"
    ):
        AgeCGAN(*networks, attributes={"old": ["0", "1"]})
    networks[2] = _model(latent=4).encoder
    with pytest.raises(
        ValueError, match="`encoder` must output the 5 values of z that the generator"
    ):
        AgeCGAN(*networks, attributes=TONES)
