"""Students: what they learn from, and that they leave their teachers alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.methods.tiny import count_passes
from tf_translate.distillation.find import distillable, distilled
from tf_translate.errors import UnknownMethodError
from tf_translate.methods.registry import find, names

SHAPE = (16, 16, 3)
NO_FEATURES = {"student_features": 0.0, "student_style": 0.0}  # whose network CI does not download


def _batch(count=6, seed=0):
    random = np.random.default_rng(seed)
    images = {key: random.uniform(-1, 1, (count, *SHAPE)) for key in "ab"}
    return {key: tf.constant(value, tf.float32) for key, value in images.items()}


def _settings(name, **student):
    method = find(name)
    tiny = method.translator.conformance.settings
    if "student" in tiny:
        return method.settings(**{**tiny, "student": {**tiny["student"], **student}})
    return method.settings(**tiny)


def _build(name, weights=None, **student):
    keras.utils.set_random_seed(5)
    method = find(name)
    distilled_weights = NO_FEATURES if name.startswith("distilled_") else {}
    model = method.translator.from_settings(
        _settings(name, **student), SHAPE, SHAPE, loss_weights=distilled_weights | (weights or {})
    )
    model.compile(run_eagerly=True)
    return model


def _weights(model, names):
    return [np.array(v) for name in names for v in getattr(model, name).weights]


def test_five_methods_can_teach_and_none_is_listed_twice():
    assert distillable() == ["cyclegan", "discogan", "dtn", "dualgan", "pix2pix"]
    assert not [name for name in names() if name.startswith("distilled_")]
    with pytest.raises(UnknownMethodError, match=r"not from fader, whose outputs depend on more"):
        distilled("distilled_fader")


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
def test_a_teacher_learns_the_same_with_and_without_a_student(name):
    plain, beside = _build(name), _build(f"distilled_{name}")
    for seed in range(2):
        plain.train_step(_batch(seed=seed))
        beside.train_step(_batch(seed=seed))
    before, after = _weights(plain, plain.network_names), _weights(beside, plain.network_names)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_offline_teaching_leaves_the_teacher_as_it_is_and_brings_the_student_nearer():
    weights = {"student_l1": 10.0, "student_channels": 0.0, "student_total_variation": 0.0}
    model = _build("distilled_pix2pix", weights, teaching="offline", base_filters=8)
    assert [player.name for player in model.players] == ["students"]
    before = _weights(model, ("generator", "discriminator"))
    first = model.train_step(_batch())
    for _ in range(20):
        model.reset_metrics()
        last = model.train_step(_batch())
    assert last["content/student_l1"] < 0.7 * first["content/student_l1"]
    after = _weights(model, ("generator", "discriminator"))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_student_is_measured_against_the_deployed_teacher_offline():
    weights = {"student_l1": 1.0, "student_channels": 0.0}
    model = _build("distilled_pix2pix", weights, teaching="offline")
    batch = _batch()
    expected = np.asarray(model.generator(batch["a"], training=False))
    student = np.asarray(model.student_a_to_b(batch["a"], training=True))
    logged = model.test_step(batch)["content/student_l1"]
    assert float(logged) == pytest.approx(np.abs(student - expected).mean(), rel=1e-5)


def test_alone_the_student_takes_the_generators_place(monkeypatch):
    model, plain = _build("distilled_cyclegan", teaching="alone"), _build("cyclegan")
    assert [p.terms for p in model.players] == [p.terms for p in plain.players]
    assert model.generator_ab.count_params() != plain.generator_ab.count_params()
    assert model.signatures()["a_to_b"].outputs[0].shape == (None, *SHAPE)
    calls = count_passes(model, monkeypatch)
    model.train_step(_batch())
    assert calls == plain.conformance.forward_passes


def test_dtn_has_no_single_generator_whose_place_a_student_could_take():
    with pytest.raises(ValueError, match=r"must be online or offline, got 'alone'"):
        _build("distilled_dtn", teaching="alone")


def test_a_student_of_dtn_learns_from_its_translations_of_the_source():
    model = _build("distilled_dtn", {"student_l1": 1.0})
    model.enter_stage("transfer")
    batch = {**_batch(), "label_a": np.arange(6) % 3}
    model.train_step(batch)
    model.reset_metrics()
    teacher = np.asarray(model.translate_batch(batch)["from_source"])
    student = np.asarray(model.student_a_to_b(batch["a"], training=True))
    logged = model.test_step(batch)["content/student_l1"]
    assert float(logged) == pytest.approx(np.abs(student - teacher).mean(), rel=1e-4)


def test_of_discogan_with_one_generator_there_is_one_student():
    method = find("distilled_discogan")
    settings = {**method.translator.conformance.settings, "variant": "gan"}
    model = method.translator.from_settings(
        method.settings(**settings), SHAPE, SHAPE, loss_weights=NO_FEATURES
    )
    assert list(model.signatures()) == ["a_to_b"]
    assert model.student_b_to_a is None


def test_losses_on_features_make_their_network_no_judge():
    assert _build("distilled_pix2pix").trained_with() == ()
    model = _build("distilled_pix2pix", {"student_features": 1.0})
    assert model.trained_with() == ("efficientnet_lite0",)
    assert _build("distilled_pix2pix", teaching="alone").trained_with() == ()
