"""Signs from arrays made by hand, and from tiny runs that were made to fail."""

import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from tests.methods.tiny import identity_generator, tiny_discriminator
from tf_translate.methods.cyclegan import CycleGAN
from tf_translate.training import loop
from tf_translate.training.failure_checks import (
    Shown,
    correlation,
    difference,
    discriminator_wins,
    signs_of,
    spread,
)
from tf_translate.training.run_dir import RunDir

SHAPE = (8, 8, 3)


def _images(count=4, seed=0, low=-1.0):
    return np.random.default_rng(seed).uniform(low, 1, (count, *SHAPE)).astype(np.float32)


def _names(shown, **leads):
    return [
        sign.name
        for sign in signs_of(shown, {f"discriminator_skill/{k}": v for k, v in leads.items()})
    ]


def test_metrics_are_those_worked_out_by_hand():
    # Two images of two grey pixels: (-1, 1) and (0, 0.5); outputs (1, -1) and (0.5, 0).
    inputs = np.array([[-1.0, 1.0], [0.0, 0.5]]).reshape(2, 1, 2, 1)
    outputs = np.array([[1.0, -1.0], [0.5, 0.0]]).reshape(2, 1, 2, 1)
    shown = Shown("a to b", inputs, outputs, unchanged=inputs)
    assert difference(shown) == pytest.approx((2 + 2 + 0.5 + 0.5) / 4)
    assert correlation(shown) == pytest.approx(-1.0)
    # Deviations of two values are half their distance: inputs 0.5 and 0.25, outputs the same.
    assert spread(shown) == pytest.approx(1.0)
    # Targets that differ less: deviations 0.25 and 0, mean 0.125, against 0.375 of the outputs.
    targets = np.array([[0.0, 0.0], [0.5, 0.0]]).reshape(2, 1, 2, 1)
    assert spread(Shown("a to b", inputs, outputs, targets=targets)) == pytest.approx(3.0)


def test_a_healthy_translation_shows_no_sign():
    assert _names(Shown("a to b", _images(), 0.5 * _images() + 0.3, unchanged=_images())) == []


def test_an_identity_map_is_one_only_while_discriminators_tell():
    shown = Shown("a to b", _images(), _images() + 0.01, unchanged=_images())
    assert _names(shown, discriminator=0.8) == ["identity map"]
    assert _names(shown) == ["identity map"]  # no metric of discriminators
    assert _names(shown, discriminator=0.2) == []
    assert _names(Shown("reconstruct", _images(), _images())) == []  # as it should be


def test_an_edit_that_changes_nothing_is_an_identity_map_of_the_reconstruction():
    rebuilt = 0.5 * _images()
    shown = Shown("other glasses", _images(), rebuilt + 0.01, unchanged=rebuilt)
    assert _names(shown) == ["identity map"]


def test_inverted_colours_are_seen_across_channels():
    grey = -_images().mean(-1, keepdims=True)
    assert _names(Shown("a to b", _images(), grey, unchanged=_images())) == ["colour inversion"]


def test_one_image_for_all_inputs_is_a_collapse():
    same = np.repeat(_images(1, seed=5), 4, 0) + 0.01 * _images(seed=6)
    assert _names(Shown("a to b", _images(), same, unchanged=_images())) == ["collapse"]
    assert _names(Shown("noise", _images(), same, depends_on=False)) == ["collapse"]
    # Not where the targets hardly differ either.
    shown = Shown("a to b", _images(), same, targets=same, unchanged=_images())
    assert _names(shown) == []


def test_images_that_say_nothing_show_no_sign():
    flat = np.zeros((1, *SHAPE))
    assert _names(Shown("a to b", flat, flat)) == []


def test_a_discriminator_wins_when_it_is_sure():
    assert discriminator_wins("discriminator", 0.85) is None
    assert "0.95" in discriminator_wins("discriminator", 0.95).seen


# --- runs made to fail ------------------------------------------------------------------


def _mixing(mixed):
    """Makes generators of one 1x1 convolution with these weights."""

    def make(shape, name):
        network = identity_generator(shape, name)
        network.layers[-1].set_weights([np.asarray(mixed, np.float32)[None, None]])
        return network

    return make


INVERTING = _mixing(-np.eye(3))
STILL = keras.optimizers.SGD, 0.0


def _run(
    tmp_path, *, make=identity_generator, generators=STILL, discriminators=STILL, terms=None, steps
):
    """A tiny CycleGAN from dark noise to bright noise; kind of optimizer and rate by player."""
    keras.utils.set_random_seed(0)
    model = CycleGAN(
        *(make(SHAPE, name) for name in ("g", "f")),
        *(tiny_discriminator(SHAPE, name) for name in ("x", "y")),
        pool_size=0,
        loss_weights=terms,
    )
    chosen = {"generators": generators, "discriminators": discriminators}
    model.compile({name: kind(rate) for name, (kind, rate) in chosen.items()})
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


def _said(run):
    return {(row["sign"], row["of"]) for row in run.noted_signs()}


def test_a_discriminator_with_a_generator_that_stands_still_wins(tmp_path):
    run, text = _run(tmp_path, discriminators=(keras.optimizers.Adam, 0.05), steps=60)
    assert ("discriminator wins", "discriminator") in _said(run)
    assert text.count("discriminator wins") == 1, "said once"
    assert "Usual cure: weaken it" in text
    leads = [row["discriminator_skill/discriminator"] for row in run.rows()]
    said = next(row["step"] for row in run.noted_signs() if row["sign"] == "discriminator wins")
    assert min(leads[said - 10 : said]) >= 0.9 > leads[said - 11]


def test_heavy_content_terms_without_an_adversarial_one_give_an_identity_map(tmp_path):
    adam = keras.optimizers.Adam
    run, text = _run(
        tmp_path,
        make=_mixing(0.8 * np.eye(3) + 0.1),
        generators=(adam, 0.01),
        discriminators=(adam, 0.05),
        terms={"cycle": 1000.0, "identity": 1000.0, "adversarial": 0.0},
        steps=48,
    )
    assert {("identity map", "a to b"), ("identity map", "b to a")} <= _said(run)
    assert text.count("identity map: a to b") == 1
    first = min(row["step"] for row in run.noted_signs() if row["sign"] == "identity map")
    assert first > 8, "learnt, not there from the start"


def test_generators_that_begin_inverted_and_cannot_learn_are_named(tmp_path):
    run, text = _run(tmp_path, make=INVERTING, steps=12)
    assert _said(run) == {("colour inversion", "a to b"), ("colour inversion", "b to a")}
    assert "correlate by -1.00" in text
    assert [row["step"] for row in run.noted_signs()] == [8, 8], "not by the first image alone"


def test_a_huge_rate_collapses_generators(tmp_path):
    def saturating(shape, name):
        inputs = keras.Input(shape)
        outputs = keras.layers.Conv2D(shape[-1], 1, activation="tanh")(inputs)
        return keras.Model(inputs, outputs, name=name)

    run, _ = _run(tmp_path, make=saturating, generators=(keras.optimizers.SGD, 100.0), steps=12)
    assert ("collapse", "a to b") in _said(run)


def test_signs_are_text_and_metrics_in_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, _ = _run(tmp_path, make=INVERTING, steps=8)
    events = EventAccumulator(str(run.logs))
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {
        "signs",
        "signs/a to b/correlation",
        "grad_norm/generators",
        "discriminator_skill/discriminator",
    } <= tags
    text = tf.make_ndarray(events.Tensors("signs")[0].tensor_proto).item().decode()
    assert text.startswith("colour inversion: a to b turns light into dark")


def test_what_was_said_is_not_said_again_by_a_resumed_run(tmp_path):
    run, _ = _run(tmp_path, make=INVERTING, steps=8)
    before = run.signs.read_text()
    from tf_translate.training.failure_monitor import FailureMonitor

    text = io.StringIO()
    writer = tf.summary.create_file_writer(str(run.logs))
    watcher = FailureMonitor(run, writer, Console(file=text))
    for step in (9, 10, 11):
        watcher.look_at_images(step, [Shown("a to b", _images(), -_images())])
    assert text.getvalue() == ""
    assert run.signs.read_text() == before
    assert json.loads(before.splitlines()[0])["step"] == 8
    run.tidy(7)
    assert run.noted_signs() == []
