"""Warnings from arrays written by hand, and from tiny runs that are made to fail."""

import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from tests.methods.tiny import identity_generator, tiny_discriminator
from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.training import loop
from tf_translate.training.failure_checks import (
    PreviewBatch,
    correlation,
    discriminator_warning,
    image_warnings,
    mean_difference,
    relative_spread,
)
from tf_translate.training.run_dir import RunDir

SHAPE = (8, 8, 3)


def _images(count=4, seed=0, low=-1.0):
    return np.random.default_rng(seed).uniform(low, 1, (count, *SHAPE)).astype(np.float32)


def _warnings(preview, **skills):
    tagged = {f"discriminator_skill/{term}": skill for term, skill in skills.items()}
    return [warning.name for warning in image_warnings(preview, tagged)]


def test_metrics_of_previews_have_the_values_worked_out_by_hand():
    # Two images of two grey pixels: (-1, 1) and (0, 0.5); outputs (1, -1) and (0.5, 0).
    inputs = np.array([[-1.0, 1.0], [0.0, 0.5]]).reshape(2, 1, 2, 1)
    outputs = np.array([[1.0, -1.0], [0.5, 0.0]]).reshape(2, 1, 2, 1)
    preview = PreviewBatch("a to b", inputs, outputs, identity_outputs=inputs)
    assert mean_difference(preview) == pytest.approx((2 + 2 + 0.5 + 0.5) / 4)
    assert correlation(preview) == pytest.approx(-1.0)
    # The standard deviation of two values is half their distance: 0.5 and 0.25 for both.
    assert relative_spread(preview) == pytest.approx(1.0)
    # Targets that differ less: deviations 0.25 and 0, mean 0.125; outputs have 0.375.
    targets = np.array([[0.0, 0.0], [0.5, 0.0]]).reshape(2, 1, 2, 1)
    assert relative_spread(
        PreviewBatch("a to b", inputs, outputs, targets=targets)
    ) == pytest.approx(3.0)


def test_a_healthy_translation_causes_no_warning():
    assert (
        _warnings(
            PreviewBatch("a to b", _images(), 0.5 * _images() + 0.3, identity_outputs=_images())
        )
        == []
    )


def test_an_identity_mapping_is_a_failure_only_while_discriminators_recognize_it():
    preview = PreviewBatch("a to b", _images(), _images() + 0.01, identity_outputs=_images())
    assert _warnings(preview, discriminator=0.8) == ["identity mapping"]
    assert _warnings(preview) == ["identity mapping"]  # no skill is known
    assert _warnings(preview, discriminator=0.2) == []
    # A reconstruction should equal its input.
    assert _warnings(PreviewBatch("reconstruct", _images(), _images())) == []


def test_an_edit_that_equals_the_reconstruction_is_an_identity_mapping():
    reconstruction = 0.5 * _images()
    edited = reconstruction + 0.01
    preview = PreviewBatch("other glasses", _images(), edited, identity_outputs=reconstruction)
    assert _warnings(preview) == ["identity mapping"]


def test_colour_inversion_is_detected_across_channel_counts():
    grey = -_images().mean(-1, keepdims=True)
    preview = PreviewBatch("a to b", _images(), grey, identity_outputs=_images())
    assert _warnings(preview) == ["colour inversion"]


def test_the_same_image_for_all_inputs_is_mode_collapse():
    same = np.repeat(_images(1, seed=5), 4, 0) + 0.01 * _images(seed=6)
    preview = PreviewBatch("a to b", _images(), same, identity_outputs=_images())
    assert _warnings(preview) == ["mode collapse"]
    assert _warnings(PreviewBatch("noise", _images(), same, from_noise=True)) == ["mode collapse"]
    # No failure if the targets hardly differ either.
    preview = PreviewBatch("a to b", _images(), same, targets=same, identity_outputs=_images())
    assert _warnings(preview) == []


def test_uniform_images_cause_no_warning():
    flat = np.zeros((1, *SHAPE))
    assert _warnings(PreviewBatch("a to b", flat, flat)) == []


def test_a_discriminator_wins_from_a_skill_of_90_percent():
    assert discriminator_warning("discriminator", 0.85) is None
    assert "0.95" in discriminator_warning("discriminator", 0.95).message


# --- runs that are made to fail ------------------------------------------------------------------


def _channel_mixing(matrix):
    """A function that builds a generator of one 1x1 convolution with these weights."""

    def make(shape, name):
        network = identity_generator(shape, name)
        network.layers[-1].set_weights([np.asarray(matrix, np.float32)[None, None]])
        return network

    return make


INVERTING = _channel_mixing(-np.eye(3))
NO_LEARNING = keras.optimizers.SGD, 0.0


def _run(
    tmp_path,
    *,
    make=identity_generator,
    generators=NO_LEARNING,
    discriminators=NO_LEARNING,
    loss_weights=None,
    steps,
):
    """Trains a tiny CycleGAN from dark to bright noise.

    `generators` and `discriminators` are pairs of an optimizer class and a learning rate.
    """
    keras.utils.set_random_seed(0)
    model = CycleGAN(
        *(make(SHAPE, name) for name in ("g", "f")),
        *(tiny_discriminator(SHAPE, name) for name in ("x", "y")),
        settings=CycleGANSettings(pool_size=0),
        loss_weights=loss_weights,
    )
    optimizers = {"generators": generators, "discriminators": discriminators}
    model.compile({name: kind(rate) for name, (kind, rate) in optimizers.items()})
    dark, bright = -0.5 + 0.4 * _images(), 0.5 + 0.4 * _images(seed=1)
    data = tf.data.Dataset.from_tensors({"a": dark, "b": bright}).repeat()
    run, text = RunDir.create(tmp_path / "r", {}), io.StringIO()
    assert loop.train(
        model,
        lambda start: data,
        run=run,
        schedule=loop.Schedule((("train", steps),), 1, 4, 100, 1),
        sample={"a": dark, "b": bright},
        console=Console(file=text, force_terminal=False),
    )
    return run, text.getvalue()


def _reported(run):
    return {(row["name"], row["source"]) for row in run.warnings()}


@pytest.mark.slow
def test_a_discriminator_against_a_frozen_generator_wins(tmp_path):
    run, text = _run(tmp_path, discriminators=(keras.optimizers.Adam, 0.05), steps=60)
    assert ("discriminator wins", "discriminator") in _reported(run)
    assert text.count("discriminator wins") == 1, "reported once"
    assert "Suggestion: weaken it" in text
    skills = [row["discriminator_skill/discriminator"] for row in run.history()]
    step = next(row["step"] for row in run.warnings() if row["name"] == "discriminator wins")
    assert min(skills[step - 10 : step]) >= 0.9 > skills[step - 11]


@pytest.mark.thorough
def test_heavy_content_terms_without_an_adversarial_term_learn_an_identity_mapping(tmp_path):
    adam = keras.optimizers.Adam
    run, text = _run(
        tmp_path,
        make=_channel_mixing(0.8 * np.eye(3) + 0.1),
        generators=(adam, 0.01),
        discriminators=(adam, 0.05),
        loss_weights={"cycle": 1000.0, "identity": 1000.0, "adversarial": 0.0},
        steps=48,
    )
    assert {("identity mapping", "a to b"), ("identity mapping", "b to a")} <= _reported(run)
    assert text.count("identity mapping: a to b") == 1
    first = min(row["step"] for row in run.warnings() if row["name"] == "identity mapping")
    assert first > 8, "learned, not present from the start"


def test_frozen_generators_that_invert_colours_cause_a_warning(tmp_path):
    run, text = _run(tmp_path, make=INVERTING, steps=12)
    assert _reported(run) == {("colour inversion", "a to b"), ("colour inversion", "b to a")}
    assert "is -1.00" in text
    assert [row["step"] for row in run.warnings()] == [8, 8], "not from the first preview alone"


@pytest.mark.slow
def test_a_huge_learning_rate_causes_mode_collapse(tmp_path):
    def saturating(shape, name):
        inputs = keras.Input(shape)
        outputs = keras.layers.Conv2D(shape[-1], 1, activation="tanh")(inputs)
        return keras.Model(inputs, outputs, name=name)

    run, _ = _run(tmp_path, make=saturating, generators=(keras.optimizers.SGD, 100.0), steps=12)
    assert ("mode collapse", "a to b") in _reported(run)


@pytest.mark.slow
def test_warnings_and_preview_metrics_are_written_to_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, _ = _run(tmp_path, make=INVERTING, steps=8)
    events = EventAccumulator(str(run.logs))
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {
        "warnings",
        "preview/a to b/correlation",
        "grad_norm/generators",
        "discriminator_skill/discriminator",
    } <= tags
    text = tf.make_ndarray(events.Tensors("warnings")[0].tensor_proto).item().decode()
    assert text.startswith("colour inversion: a to b turns light into dark")


def test_a_resumed_run_does_not_repeat_a_warning(tmp_path):
    run, _ = _run(tmp_path, make=INVERTING, steps=8)
    before = run.warnings_file.read_text()
    from tf_translate.training.failure_monitor import FailureMonitor

    text = io.StringIO()
    writer = tf.summary.create_file_writer(str(run.logs))
    monitor = FailureMonitor(run, writer, Console(file=text))
    for step in (9, 10, 11):
        monitor.check_images(step, [PreviewBatch("a to b", _images(), -_images())])
    assert text.getvalue() == ""
    assert run.warnings_file.read_text() == before
    assert json.loads(before.splitlines()[0])["step"] == 8
    run.discard_after(7)
    assert run.warnings() == []
