"""The calls that Keras users make of any model, on a translator."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.core.toy import Toy, batch_of, scale
from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.methods.fader import Fader, FaderSettings
from tf_translate.methods.genegan import GeneGAN, GeneGANSettings

SHAPE = (16, 16, 3)
ATTRIBUTES = {"glasses": ["0", "1"]}
A, B = np.random.default_rng(0).uniform(-1, 1, (2, 4, *SHAPE)).astype(np.float32)
CALLBACKS = keras.callbacks


def _cyclegan(**options):
    settings = CycleGANSettings(**CycleGAN.conformance.settings)
    model = CycleGAN.from_settings(settings, SHAPE, SHAPE)
    model.compile(**options)
    return model


def _fader():
    settings = FaderSettings(**Fader.conformance.settings)
    model = Fader.from_settings(settings, SHAPE, attributes=ATTRIBUTES)
    model.compile(run_eagerly=True)
    return model


def _toy():
    model = Toy(scale(3.0, "g"), scale(5.0, "c"))
    model.compile(run_eagerly=True)
    return model


def test_evaluate_computes_the_losses_by_hand_and_updates_nothing():
    # g = 3, c = 5, a = 2: both players see c * g * a = 30, as no turn comes before the other.
    model = _toy()
    found = model.evaluate(tf.data.Dataset.from_tensors(batch_of(2.0)), return_dict=True, verbose=0)
    assert found == {"content/l1": 30.0, "domain/discriminator": 30.0}
    assert [float(v.numpy().item()) for v in model.trainable_variables] == [3.0, 5.0]
    assert int(model.steps_taken.numpy()) == 0


def test_callbacks_follow_validation_losses_and_change_every_players_rate(tmp_path):
    model, monitored = _toy(), "val_content/l1"
    callbacks = [
        CALLBACKS.EarlyStopping(monitored, mode="min", patience=5),
        CALLBACKS.ModelCheckpoint(
            tmp_path / "best.keras", monitor=monitored, mode="min", save_best_only=True
        ),
        CALLBACKS.ReduceLROnPlateau(monitored, factor=0.5, patience=1, mode="min", min_delta=9),
        CALLBACKS.TensorBoard(tmp_path / "logs"),
        CALLBACKS.BackupAndRestore(tmp_path / "backup"),
    ]
    images = np.full((4, 1, 1, 1), 0.1, np.float32)
    options = {"batch_size": 2, "epochs": 2, "verbose": 0, "callbacks": callbacks}
    history = model.fit({"a": images, "b": images}, validation_split=0.5, **options).history
    assert {"val_content/l1", "val_domain/discriminator"} <= set(history)
    best = keras.models.load_model(tmp_path / "best.keras")
    assert best.evaluate(images, images, verbose=0) == pytest.approx(
        [history["val_domain/discriminator"][-1], history["val_content/l1"][-1]]
    )
    rates = [float(each.learning_rate) for each in model.player_optimizers.values()]
    assert rates == pytest.approx([0.05, 0.05])  # halved after an epoch without a gain of 9
    scheduler = CALLBACKS.LearningRateScheduler(lambda epoch, rate: rate / 10)
    history = model.fit(images, images, verbose=0, callbacks=[scheduler]).history
    assert history["learning_rate_generator"] == pytest.approx([0.005])
    assert history["learning_rate_discriminator"] == pytest.approx([0.005])


def test_callbacks_cannot_set_a_rate_that_follows_a_schedule():
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model = Toy(scale(3.0, "g"), scale(5.0, "c"))
    model.compile({"generator": keras.optimizers.SGD(decay)})
    scheduler = CALLBACKS.LearningRateScheduler(lambda epoch: 0.1)
    with pytest.raises(ValueError, match="rate of 'generator' follows a ExponentialDecay"):
        model.fit(tf.data.Dataset.from_tensors(batch_of(2.0)), verbose=0, callbacks=[scheduler])


def test_two_domains_may_come_as_arguments_tuples_or_a_dict():
    a = np.array([[[[0.1]]], [[[0.2]]]], np.float32)
    found = []
    for fit in (
        lambda model: model.fit(a, a, verbose=0).history,
        lambda model: model.fit(tf.data.Dataset.from_tensors((a, a)), verbose=0).history,
        lambda model: model.train_on_batch({"a": a, "b": a}, return_dict=True),
        lambda model: model.train_on_batch(a, a, return_dict=True),
    ):
        losses = fit(_toy())
        found.append([float(np.squeeze(loss)) for loss in losses.values()])
    np.testing.assert_allclose(found[1:], [found[0]] * 3, rtol=1e-6)


@pytest.mark.slow
def test_a_batch_of_another_form_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r'\{"a": images, "b": images\}, got one tensor of shape'):
        _cyclegan(run_eagerly=True).fit(A, verbose=0)
    with pytest.raises(ValueError, match=r'\{"image": images, "attributes": ...\}, got a tuple of'):
        _fader().fit(A, B, verbose=0)
    with pytest.raises(ValueError, match="`sample_weight` must be None"):
        _cyclegan(run_eagerly=True).fit(A, B, sample_weight=np.ones(4), verbose=0)
    for call in ("train_on_batch", "test_on_batch", "evaluate"):
        with pytest.raises(ValueError, match=r"images 'a' of a batch must be in \[-1, 1\], got"):
            getattr(_cyclegan(run_eagerly=True), call)(100 * A, B)


def test_compile_refuses_what_belongs_to_a_model_of_one_network():
    model = _toy()
    for given, sentence in (
        (("adam",), r'got \'adam\': compile\(\{"discriminator": keras.optimizers.Adam'),
        ((keras.optimizers.SGD(),), "`optimizers` must map players to optimizers"),
        (({"generator": "adam"},), "must be an optimizer, got 'adam'"),
        (({"painter": keras.optimizers.SGD()},), r"names \['painter'\], but the players are"),
    ):
        with pytest.raises(ValueError, match=sentence):
            model.compile(*given)
    for name in ("loss", "metrics"):
        with pytest.raises(ValueError, match=f"`{name}` must not be given to `compile`"):
            model.compile(**{name: "mse"})
    with pytest.raises(ValueError, match="`optimizer` must be `optimizers`"):
        model.compile(optimizer="adam")
    shared = keras.optimizers.SGD()
    with pytest.raises(ValueError, match="'generator' and 'discriminator' the same optimizer"):
        model.compile({"generator": shared, "discriminator": shared})


def test_predict_takes_the_inputs_of_the_signature_that_is_called():
    model = _fader()
    attributes = np.ones((4, 1), np.float32)
    translated = model.predict({"image": A, "attributes": attributes}, verbose=0)
    expected = model.signatures()["translate"].function(image=A, attributes=attributes)["image"]
    np.testing.assert_allclose(translated, expected, atol=1e-6)
    wanted = r'\{"image": \(batch, 16, 16, 3\), "attributes": \(batch, 1\) for glasses\}'
    with pytest.raises(ValueError, match=f"^the input of a Fader must be {wanted}.* got one"):
        model.predict(A)
    genegan = GeneGAN.from_settings(GeneGANSettings(**GeneGAN.conformance.settings), SHAPE, SHAPE)
    removed = genegan.signatures()["remove"].function(image=A)["image"]
    np.testing.assert_allclose(genegan.predict(A, verbose=0), removed, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.uint8(A * 127 + 128), "must be float32 in [-1, 1], got uint8: scale 0..255 by"),
        (A * 127.5 + 127.5, "must be in [-1, 1], got values from 0.0"),
        (A[:, :, :12], "must be of shape (batch, 16, 16, 3), got (4, 16, 12, 3)"),
        (A[..., :1], "must be of shape (batch, 16, 16, 3), got (4, 16, 16, 1)"),
        (A[0], "got (16, 16, 3); add an axis for the batch: x[None]"),
        ({"a": A}, "must be {\"image\": (batch, 16, 16, 3)}, as in predict({...}), got ['a']"),
        ({"image": "me.png"}, "must be an array or a tensor (batch, 16, 16, 3), got a str"),
    ],
    ids=["uint8", "levels", "size", "grey", "one", "name", "text"],
)
def test_predict_refuses_what_fit_refuses_in_one_sentence(images, said):
    with pytest.raises(ValueError, match="input") as error:
        _cyclegan().predict(images, verbose=0)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_predict_takes_what_keras_takes_in_other_forms():
    model = _fader()
    expected = model.predict({"image": A, "attributes": np.ones((4, 1), np.float32)}, verbose=0)
    flat = {"image": A, "attributes": np.ones(4, np.float32)}
    np.testing.assert_allclose(model.predict(flat, verbose=0), expected, atol=1e-6)
    cyclegan = _cyclegan()
    alone = cyclegan.predict(A, verbose=0)
    np.testing.assert_allclose(cyclegan.predict([A], verbose=0), alone, atol=1e-6)
    with pytest.raises(ValueError, match=r"must be in \[-1, 1\], got values from 0"):
        cyclegan.predict(tf.constant(A * 127.5 + 127.5), verbose=0)


def test_predict_warns_of_images_that_are_all_from_0_to_1():
    with pytest.warns(UserWarning, match=r"all values of the input 'image' are in \[0, 1\]"):
        _cyclegan().predict((A + 1) / 2, verbose=0)


@pytest.mark.slow
def test_export_writes_every_signature_and_serves_what_predict_computes(tmp_path):
    model = _cyclegan()
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    expected = model.predict(A, verbose=0)
    np.testing.assert_allclose(loaded.serve(A), expected, atol=1e-5)
    np.testing.assert_allclose(loaded.a_to_b(A)["image"], expected, atol=1e-5)
    assert loaded.b_to_a(A)["image"].shape == A.shape
    with pytest.raises(ValueError, match="format='tf_saved_model' without further"):
        model.export(tmp_path / "other", format="onnx")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            (FaderSettings(), SHAPE, SHAPE),
            "`settings` must be those of CycleGAN, got FaderSettings",
        ),
        (({"base_filters": 4}, SHAPE, SHAPE), r"`settings` must be those of .*from_settings\("),
        ((CycleGANSettings(), SHAPE), "needs the image shape of each domain, got 1 shapes"),
        ((CycleGANSettings(), SHAPE, (16, 16)), r"must be \(height, width, channels\), got \(16"),
    ],
)
def test_from_settings_shows_the_call_that_it_needs(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        CycleGAN.from_settings(*arguments)
    with pytest.raises(ValueError, match="`attributes` must be None: CycleGAN has no image"):
        CycleGAN.from_settings(CycleGANSettings(), SHAPE, SHAPE, attributes=ATTRIBUTES)
    with pytest.raises(ValueError, match="`attributes` must map each image attribute to its"):
        Fader.from_settings(FaderSettings(), SHAPE, attributes=["glasses"])
    with pytest.raises(ValueError, match="`generator_ba` must be a keras"):
        CycleGAN("a", "b", "c", "d")


class _ImageToy(Toy):
    def image_shapes(self):
        return {"a": (1, 1, 1), "b": (1, 1, 1)}


@pytest.mark.parametrize("callbacks", [None, CALLBACKS.LambdaCallback(), [CALLBACKS.History()]])
def test_fit_warns_of_images_in_zero_to_one_and_of_no_others(callbacks, recwarn):
    model = _ImageToy(scale(3.0, "g"), scale(5.0, "c"))
    model.compile()
    grey, dark, light = (np.full((2, 1, 1, 1), value, np.float32) for value in (0.5, -0.5, 0.9))
    a, b = np.concatenate([dark, light]), np.concatenate([grey, light])
    batches = tf.data.Dataset.from_tensors({"a": a, "b": b}).repeat(2)
    model.fit(batches, verbose=0, callbacks=callbacks)
    found = [str(each.message) for each in recwarn if "[0, 1]" in str(each.message)]
    assert len(found) == 1
    assert found[0].startswith("all values of the images 'b' of the first batch are in [0, 1]; if")
    recwarn.clear()
    model.fit(tf.data.Dataset.from_tensors({"a": a, "b": a}), verbose=0, callbacks=callbacks)
    assert not [each for each in recwarn if "[0, 1]" in str(each.message)]
