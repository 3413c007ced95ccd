"""Facts of the Fader Networks paper and its published code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.methods.fader import Fader, FaderSettings

SHAPE = (16, 16, 3)
ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}
TINY = {"num_downsamples": 2, "base_filters": 4, "max_filters": 8}


def _model(weights=None, **settings):
    return Fader.from_settings(
        FaderSettings(**{**TINY, **settings}), SHAPE, attributes=ATTRIBUTES, loss_weights=weights
    )


def _batch(count=4, seed=0):
    random = np.random.default_rng(seed)
    hair = np.eye(3, dtype=np.float32)[random.integers(3, size=count)]
    glasses = random.integers(2, size=(count, 1)).astype(np.float32)
    return {
        "image": tf.constant(random.uniform(-1, 1, (count, *SHAPE)), tf.float32),
        "attributes": tf.constant(np.concatenate([glasses, hair], 1)),
    }


def _log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.mark.parametrize(("step", "weight"), [(0, 0.0), (250_000, 5e-5), (500_000, 1e-4)])
def test_the_latent_adversarial_weight_follows_its_ramp(step, weight):
    (latent_adversarial,) = (term for term in Fader.terms if term.name == "latent_adversarial")
    assert float(latent_adversarial.weight(tf.constant(step, tf.int64))) == pytest.approx(weight)


def test_a_given_weight_is_the_end_of_its_ramp_and_0_switches_the_term_off():
    weights = {"latent_adversarial": 3e-3, "attribute_classification": 5e-3}
    terms = {term.name: term.weight for term in _model(weights, ramp=10).weighted_terms}
    for name, weight in weights.items():
        assert float(terms[name](tf.constant(5, tf.int64))) == pytest.approx(weight / 2)
    delayed = _model(weights, ramp=10, attribute_classification_start=5).weighted_terms
    (delayed_weight,) = (term.weight for term in delayed if term.name == "attribute_classification")
    assert float(delayed_weight(tf.constant(10, tf.int64))) == pytest.approx(2.5e-3)
    assert not _model({"latent_adversarial": 0.0}).uses("latent_adversarial")


def test_a_classifier_is_built_only_if_its_loss_term_has_a_weight():
    plain, extended = _model(), _model({"attribute_classification": 0.1}, classifier_filters=8)
    assert [player.name for player in plain.players] == ["latent_discriminator", "autoencoder"]
    assert plain.classifier is None
    assert [player.name for player in extended.players] == [
        "latent_discriminator",
        "classifier",
        "autoencoder",
    ]
    assert [player.microbatches for player in extended.players] == [(0,), (1,), (1,)]
    assert extended.classifier.output_shape == (None, 5)
    assert extended.classifier.layers[1].filters == 8


def test_networks_have_the_published_number_of_parameters():
    model = Fader.from_settings(
        FaderSettings(), (256, 256, 3), attributes={"attribute": ["0", "1"]}
    )
    counts = {
        name: sum(int(np.prod(v.shape)) for v in getattr(model, name).trainable_variables)
        for name in model.network_names
    }
    assert counts["encoder"] + counts["decoder"] == 14_000_512  # 14.00 M
    assert counts["latent_discriminator"] == 8_655_362  # 8.66 M
    assert model.encoder.output_shape == (None, 4, 4, 512)


def test_players_have_their_own_microbatches_and_clip_gradient_norms():
    assert [player.microbatches for player in _model().players] == [(0,), (1,)]
    model = _model()
    model.compile()
    gradients = [tf.constant([300.0, 400.0])]  # norm 500
    for player in model.players:
        np.testing.assert_allclose(model.transform_gradients(player, gradients)[0], [3.0, 4.0])
    assert _model().microbatches_per_step == 2


def test_each_discriminator_turn_has_its_own_microbatch():
    model = _model(discriminator_turns=3)
    assert [player.microbatches for player in model.players] == [(0, 1, 2), (3,)]
    assert model.microbatches_per_step == 4
    assert Fader.from_config(model.get_config()).settings.discriminator_turns == 3


def test_the_reconstruction_is_the_mean_squared_error_with_the_true_attributes():
    model, batch = _model({"latent_adversarial": 0.0}), _batch()
    latent = model.encoder(batch["image"], training=True)
    images = model.decoder([latent, batch["attributes"]], training=True).numpy()
    expected = ((images - batch["image"].numpy()) ** 2).mean()
    losses = model.autoencoder_objective(batch, {})
    assert float(losses["reconstruction"]) == pytest.approx(expected, rel=1e-5)


def test_the_latent_discriminator_classifies_latents_encoded_in_inference_mode():
    model, batch = _model(dropout=0.0), _batch()
    latent = model.encoder(batch["image"], training=False)
    logits = model.latent_discriminator(latent, training=True).numpy()
    glasses, hair = batch["attributes"].numpy()[:, 0], batch["attributes"].numpy()[:, 1:]
    rows = np.arange(4)
    first = -_log_softmax(logits[:, :2])[rows, glasses.astype(int)].mean()
    second = -_log_softmax(logits[:, 2:])[rows, hair.argmax(1)].mean()
    losses = model.latent_discriminator_objective(batch, {})
    assert float(losses["latent_discriminator"]) == pytest.approx(first + second, rel=1e-4)


def test_the_autoencoder_is_rewarded_for_wrong_attributes_not_for_true_ones():
    """Fails if the targets are the true attributes: then a correct discriminator costs nothing."""
    model, batch = _model(), _batch(8)
    truth = np.concatenate(
        [1 - batch["attributes"].numpy()[:, :1], batch["attributes"].numpy()], axis=1
    )
    model.latent_discriminator = lambda latent, training: tf.constant(20.0 * truth, tf.float32)
    classified = float(model.autoencoder_objective(batch, {})["latent_adversarial"])
    assert classified == pytest.approx(
        40.0, rel=1e-3
    )  # both attributes are classified, 20 nats each
    opposite = truth.copy()
    opposite[:, :2] = 1 - truth[:, :2]
    model.latent_discriminator = lambda latent, training: tf.constant(20.0 * opposite, tf.float32)
    fooled = float(model.autoencoder_objective(batch, {})["latent_adversarial"])
    assert fooled == pytest.approx(20.0, rel=1e-3)  # of hair alone


def test_attribute_classification_compares_edited_images_with_other_attributes():
    """By hand: the cross-entropy of images decoded with other attributes to those attributes."""
    model, batch = _model({"attribute_classification": 0.5, "latent_adversarial": 0.0}), _batch(8)
    recorded = {}
    classifier = model.classifier

    def recording(images, training):
        recorded["images"], recorded["logits"] = images, classifier(images, training=training)
        assert not training
        return recorded["logits"]

    model.classifier = recording
    loss = float(model.autoencoder_objective(batch, {})["attribute_classification"])
    model.classifier = classifier
    glasses = 1 - batch["attributes"].numpy()[:, 0]
    others = model._other_categories(batch).numpy()
    np.testing.assert_array_equal(others[:, 1], glasses)
    own = batch["attributes"].numpy()[:, 1:].argmax(1)
    hair = others[:, 2:].argmax(1)
    assert (hair != own).all()
    latent = model.encoder(batch["image"], training=True)
    other_attributes = np.concatenate([others[:, 1:2], others[:, 2:]], 1)
    pairs = [tf.concat([latent, latent], 0), tf.concat([batch["attributes"], other_attributes], 0)]
    decoded = model.decoder(pairs, training=True)[8:]
    np.testing.assert_allclose(recorded["images"], decoded, atol=1e-5)
    logits, rows = recorded["logits"].numpy(), np.arange(8)
    expected = -_log_softmax(logits[:, :2])[rows, glasses.astype(int)].mean()
    expected -= _log_softmax(logits[:, 2:])[rows, hair].mean()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_the_classifiers_turn_updates_only_the_classifier():
    model, batch = _model({"attribute_classification": 0.5}, classifier_noise=0.1), _batch(8)
    model.compile(run_eagerly=True)
    model.active_players = lambda: [model.players[1]]
    others = [model.encoder, model.decoder, model.latent_discriminator]
    before = [np.array(weight) for network in others for weight in network.weights]
    first = [np.array(weight) for weight in model.classifier.trainable_weights]
    step = tf.data.Dataset.from_tensors(_batch(16))
    model.train_step(next(iter(step)))
    for old, weight in zip(before, (w for network in others for w in network.weights), strict=True):
        np.testing.assert_array_equal(old, weight.numpy())
    weights = zip(first, model.classifier.trainable_weights, strict=True)
    assert any(np.abs(old - new.numpy()).max() > 0 for old, new in weights)
    assert float(model.classifier_objective(batch, {})["classifier"]) > 0


def test_classifier_r1_is_half_the_squared_gradient_of_the_true_logits():
    model, batch = _model({"attribute_classification": 0.5, "classifier_r1": 1.0}), _batch(3)
    losses = model.classifier_objective(batch, {})
    truth = np.concatenate(
        [1 - batch["attributes"].numpy()[:, :1], batch["attributes"].numpy()], axis=1
    )
    signs = tf.constant(2 * truth - 1, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(batch["image"])
        logits = model.classifier(batch["image"], training=True)
        total = tf.reduce_sum(signs * logits) / 5  # the mean of each image's five
    gradients = tape.gradient(total, batch["image"]).numpy().reshape(3, -1)
    assert float(losses["classifier_r1"]) == pytest.approx(0.5 * (gradients**2).sum(1).mean())
    plain = _model({"attribute_classification": 0.5})
    for name in model.network_names:
        getattr(plain, name).set_weights(getattr(model, name).get_weights())
    expected = plain.classifier_objective(batch, {})["classifier"]
    assert float(losses["classifier"]) == pytest.approx(float(expected), rel=1e-5)


def test_a_keras_file_restores_a_model_with_a_classifier(tmp_path):
    model = _model({"attribute_classification": 0.5}, classifier_noise=0.1)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.uses("attribute_classification")
    assert loaded.settings.classifier_noise == 0.1
    images = _batch()["image"]
    np.testing.assert_array_equal(loaded.classifier(images), model.classifier(images))


def test_the_discriminators_turn_does_not_update_the_encoder():
    model = _model()
    model.compile(run_eagerly=True)
    before = [np.array(weight) for weight in model.encoder.weights]
    model.active_players = lambda: [model.players[0]]
    model.train_step(_batch())
    for old, weight in zip(before, model.encoder.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())  # statistics of norms too


def test_the_decoder_gets_attributes_at_every_layer():
    model = _model(num_downsamples=3)
    channels = [
        layer.input.shape[-1]
        for layer in model.decoder.layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    assert channels == [8 + 5, 8 + 5, 4 + 5]


def test_attributes_beyond_1_exaggerate_and_encode_with_decode_equals_translate():
    model, batch = _model(), _batch(2)
    model.decoder.layers[-2].kernel.assign(tf.random.normal(model.decoder.layers[-2].kernel.shape))
    signatures = model.signatures()
    assert signatures["translate"].inputs[1].labels == (
        "glasses", "hair=black", "hair=blond", "hair=grey",
    )  # fmt: skip
    value = np.array([[2.0, 0, 1, 0]] * 2, np.float32)
    whole = signatures["translate"].function(image=batch["image"], attributes=value)["image"]
    latent = signatures["encode"].function(image=batch["image"])["latent"]
    halves = signatures["decode"].function(latent=latent, attributes=value)["image"]
    np.testing.assert_allclose(whole, halves, atol=1e-6)
    less = signatures["translate"].function(
        image=batch["image"], attributes=value * [[0.5, 1, 1, 1]]
    )
    assert np.abs(whole - less["image"]).max() > 1e-6


def test_networks_that_do_not_fit_the_attributes_are_refused():
    model = _model()
    with pytest.raises(
        ValueError, match="the loss term `attribute_classification` needs a `classifier`"
    ):
        Fader(
            model.encoder, model.decoder, model.latent_discriminator,
            attributes=ATTRIBUTES, loss_weights={"attribute_classification": 0.1},
        )  # fmt: skip
    with pytest.raises(ValueError, match="have 1 columns and 2 values"):
        Fader(
            model.encoder, model.decoder, model.latent_discriminator, attributes={"g": ["0", "1"]}
        )


def test_latents_have_noise_only_in_training(monkeypatch):
    model, batch = _model(latent_noise=0.3), _batch(64)
    latents, decoder = [], model.decoder

    def decode(inputs, training):
        latents.append(np.asarray(inputs[0]))
        return decoder(inputs, training=training)

    decode._flatten_layers = decoder._flatten_layers  # read for the signature's description
    monkeypatch.setattr(model, "decoder", decode)
    model.autoencoder_objective(batch, {})
    noise = latents[0] - np.asarray(model.encoder(batch["image"], training=True))
    assert noise.std() == pytest.approx(0.3, rel=0.02)  # of 8,192 values
    model(batch)
    clean = np.asarray(model.encoder(batch["image"], training=False))
    np.testing.assert_array_equal(latents[1], clean)
