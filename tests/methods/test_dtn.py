"""Facts of the DTN paper, and that f stays frozen."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.core.stateless_random import noise_like
from tf_translate.methods.dtn import DTN, DTNSettings

SHAPE_A, SHAPE_B = (8, 8, 3), (8, 8, 1)
TINY = {
    "base_filters": 4,
    "code": 6,
    "decoder_filters": 4,
    "discriminator_filters": 4,
    "classes": 3,
}


def _model(**arguments):
    weights = arguments.pop("loss_weights", None)
    settings = DTNSettings(**TINY, **arguments)
    return DTN.from_settings(settings, SHAPE_A, SHAPE_B, loss_weights=weights)


def _batch(count=4):
    random = np.random.default_rng(0)
    return {
        "a": tf.constant(random.uniform(-1, 1, (count, *SHAPE_A)), tf.float32),
        "b": tf.constant(random.uniform(-1, 1, (count, *SHAPE_B)), tf.float32),
        "label_a": tf.constant(np.arange(count) % 3, tf.int32),
    }


def _transfer(model):
    model.compile(run_eagerly=True)
    model.enter_stage("transfer")
    return model


def test_loss_weights_are_those_of_the_paper_for_digits():
    weights = {term.name: term.weight for term in DTN.terms}
    assert weights == {
        "constancy": 15.0, "target_identity": 15.0, "classes": 1.0, "adversarial": 1.0,
        "discriminator": 1.0, "total_variation": 0.0,
    }  # fmt: skip


def test_f_is_trained_first_and_alone():
    model = _model()
    assert model.stages == ("feature_extractor", "transfer")
    model.compile(run_eagerly=True)
    before = [weight.numpy() for weight in (*model.decoder.weights, *model.discriminator.weights)]
    logs = model.train_step(_batch())
    assert list(logs) == ["content/classes"]
    after = [weight.numpy() for weight in (*model.decoder.weights, *model.discriminator.weights)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_weights_and_statistics_of_f_are_frozen_in_transfer():
    model = _transfer(_model(loss_weights={"total_variation": 0.05}))
    assert any("moving_mean" in weight.path for weight in model.feature_extractor.weights)
    before = [weight.numpy() for weight in model.feature_extractor.weights]
    for _ in range(3):
        model.train_step(_batch())
    for old, weight in zip(before, model.feature_extractor.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())


def test_g_receives_the_gradient_of_constancy_through_f():
    weights = {"target_identity": 0.0, "adversarial": 0.0, "discriminator": 0.0}
    model = _transfer(_model(loss_weights=weights))
    before = [weight.numpy() for weight in model.decoder.trainable_weights]
    logs = model.train_step(_batch())
    assert list(logs) == ["content/constancy"]
    updated = [
        not np.array_equal(old, weight.numpy())
        for old, weight in zip(before, model.decoder.trainable_weights, strict=True)
    ]
    assert all(updated)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_objectives_equal_the_equations_written_in_numpy(noise):
    model = _model(discriminator_noise=noise)
    batch = _batch()
    shared = model.translate_batch(batch)
    fake_s, fake_t = shared["from_source"], shared["from_target"]

    def code(images):  # f takes three channels
        return model.feature_extractor(np.repeat(images, 3, -1), training=False).numpy()

    losses = model.decoder_objective(batch, shared)
    f_s = model.feature_extractor(batch["a"], training=False).numpy()
    assert float(losses["constancy"]) == pytest.approx(((code(fake_s) - f_s) ** 2).mean(), rel=1e-4)
    expected = ((fake_t - batch["b"]).numpy() ** 2).mean()
    assert float(losses["target_identity"]) == pytest.approx(expected, rel=1e-5)

    def cross_entropy(images, label, stream):
        images = images + noise * noise_like(images, tf.constant(0, tf.int64), stream)
        logits = (
            model.discriminator(images, training=True).numpy().reshape(-1, 3).astype(np.float64)
        )
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        return -np.log(probabilities[:, label]).mean()

    expected = cross_entropy(fake_s, 2, 0) + cross_entropy(fake_t, 2, 1)
    assert float(losses["adversarial"]) == pytest.approx(expected, rel=1e-4)
    expected = cross_entropy(fake_s, 0, 0) + cross_entropy(fake_t, 1, 1)
    expected += cross_entropy(batch["b"], 2, 2)
    losses = model.discriminator_objective(batch, shared)
    assert float(losses["discriminator"]) == pytest.approx(expected, rel=1e-4)


def test_the_deployed_signature_is_g_after_f():
    model = _model()
    image = _batch(1)["a"]
    expected = model.decoder(model.feature_extractor(image, training=False), training=False)
    actual = model.signatures()["a_to_b"].function(image=image)["image"]
    np.testing.assert_allclose(actual, expected, atol=1e-6)
    assert actual.shape == (1, *SHAPE_B)


def test_a_separate_encoder_is_trained_with_g_and_f_still_measures_constancy():
    model = _transfer(_model(encoder="own"))
    before = [weight.numpy() for weight in model.encoder.trainable_weights]
    logs = model.train_step(_batch())
    assert "content/constancy" in logs
    updated = [
        not np.array_equal(old, weight.numpy())
        for old, weight in zip(before, model.encoder.trainable_weights, strict=True)
    ]
    assert all(updated)


def test_the_settings_of_faces_choose_the_networks_of_section_5_2():
    constants = {"batch_norm_epsilon": 1e-5, "batch_norm_momentum": 0.9}
    model = _transfer(_model(discriminator="faces", pointwise=True, **constants))
    layers = [
        layer
        for network in (model.feature_extractor, model.decoder, model.discriminator)
        for layer in network.layers
    ]
    negative_slopes = [la.negative_slope for la in layers if isinstance(la, keras.layers.LeakyReLU)]
    assert negative_slopes == [pytest.approx(0.2)] * 2  # 8 pixels: two blocks to 2x2
    pointwise = [la for la in model.decoder.layers if getattr(la, "kernel_size", None) == (1, 1)]
    assert len(pointwise) == 1  # one transposed convolution before the last
    norms = [la for la in layers if isinstance(la, keras.layers.BatchNormalization)]
    assert {(norm.epsilon, norm.momentum) for norm in norms} == {(1e-5, 0.9)}
    logs = model.train_step(_batch())
    assert all(np.isfinite(value) for value in logs.values())


@pytest.mark.slow
def test_f_can_be_any_network_from_a_file(tmp_path):
    inputs = keras.Input(SHAPE_A)
    codes = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(inputs))
    keras.Model(inputs, codes).save(tmp_path / "f.keras")
    model = _model(feature_extractor=str(tmp_path / "f.keras"), constancy="cosine")
    assert model.stages == ("transfer",)
    model.compile()
    model.fit(tf.data.Dataset.from_tensors(_batch()), verbose=0)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(_batch()["a"]), copy(_batch()["a"]))


def test_a_wrong_feature_extractor_and_missing_labels_are_refused(tmp_path):
    (tmp_path / "f.keras").write_text("no network")
    with pytest.raises(
        ValueError, match=r"`feature_extractor` must be a .keras file .* is not a zip file"
    ):
        _model(feature_extractor=str(tmp_path / "f.keras"))
    keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()]).save(tmp_path / "g.keras")
    with pytest.raises(ValueError, match=r"must take images of \(8, 8, 3\), .* takes \(4, 4, 3\)"):
        _model(feature_extractor=str(tmp_path / "g.keras"))
    _model().save(tmp_path / "run.keras")
    with pytest.raises(ValueError, match="holds a DTN; save the attribute `feature_extractor`"):
        _model(feature_extractor=str(tmp_path / "run.keras"))
    model = _model()
    model.compile(run_eagerly=True)
    batch = _batch()
    del batch["label_a"]
    with pytest.raises(ValueError, match="it has no 'label_a'"):
        model.train_step(batch)
