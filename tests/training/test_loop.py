import dataclasses
import io
import json

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from tests.core.toy import Staged, Toy, scale
from tf_translate.errors import RunError, TrainingError
from tf_translate.images import read
from tf_translate.training import loop
from tf_translate.training.run_dir import RunDir
from tf_translate.training.time_budget import TimeBudget, seconds_used

IMAGES = np.linspace(-1, 1, 8, dtype=np.float32).reshape(8, 1, 1, 1)
SCHEDULE = loop.Schedule(
    stages=(("train", 6),), log_every=2, sample_every=3, checkpoint_every=4, keep_checkpoints=2
)


def _toy():
    model = Toy(scale(0.5, "g"), scale(0.25, "c"))
    model.compile()
    return model


def _train(run, *, broken_from=None, translator=None, schedule=SCHEDULE):
    def batches(start):
        def one(step):
            broken = broken_from is not None and step >= broken_from
            images = tf.constant(IMAGES) * tf.where(broken, np.nan, 1.0)
            return {"a": images, "b": images}

        return tf.data.Dataset.counter(start).map(one)

    output = io.StringIO()
    console = Console(file=output, force_terminal=False, width=300)
    sample = {"a": IMAGES, "b": IMAGES}
    done = loop.train(
        translator or _toy(), batches, run=run, schedule=schedule, sample=sample, console=console
    )
    return done, output.getvalue()


def test_training_writes_model_rows_previews_and_checkpoints(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    done, output = _train(run)
    assert done
    assert run.model.is_file()
    assert [row["step"] for row in run.history()] == [2, 4, 6]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == [
        "step-00000004.keras",
        "step-00000006.keras",  # the last step, to resume from
    ]
    assert sorted(path.name for path in run.samples.iterdir()) == [
        "step-00000003.png",
        "step-00000006.png",
    ]
    assert "step 4/6" in output
    assert "steps/s" in output
    assert "left" in output


def test_a_row_holds_the_mean_losses_since_the_last_row(tmp_path):
    # Without learning every step has the same loss, so every row equals it.
    import keras

    run = RunDir.create(tmp_path / "r", {})
    model = Toy(scale(0.5, "g"), scale(0.25, "c"))
    model.compile({name: keras.optimizers.SGD(1e-12) for name in ("discriminator", "generator")})
    images = IMAGES + 2
    data = tf.data.Dataset.from_tensors({"a": images, "b": images}).repeat()
    loop.train(
        model,
        lambda start: data,
        run=run,
        schedule=SCHEDULE,
        sample={"a": IMAGES, "b": IMAGES},
        console=Console(file=io.StringIO()),
    )
    expected = 0.5 * 0.25 * 2.0  # g * c * mean image
    for row in run.history():
        assert row["content/l1"] == pytest.approx(expected, rel=1e-4)


def test_a_loss_that_is_not_finite_stops_training_and_nothing_is_saved(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    with pytest.raises(TrainingError) as caught:
        _train(run, broken_from=4)
    sentence = str(caught.value)
    assert "training stopped at step 5" in sentence
    assert "content/l1" in sentence
    assert "step-00000004.keras" in sentence
    assert "learning_rate" in sentence
    assert run.newest_checkpoint().name == "step-00000004.keras"
    assert not run.model.exists()


def _flip_byte(path):
    """Flips a bit in the middle of the weights."""
    content = bytearray(path.read_bytes())
    content[content.index(b"\x89HDF") + 3000] ^= 0x10
    path.write_bytes(content)


def test_resume_reports_a_broken_checkpoint_and_loads_the_previous_one(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    _train(run)
    _flip_byte(run.checkpoint(6))
    reports = []
    translator = loop.resume(
        run, lambda: pytest.fail("must not build a new translator"), reports.append
    )
    assert int(translator.steps_taken.numpy()) == 4
    assert reports == [
        f"the checkpoint {run.checkpoint(6)} is broken (truncated or with a wrong checksum); "
        "using the previous one",
        f"resuming from step 4: {run.checkpoint(4)}",
    ]


def test_a_run_with_only_broken_checkpoints_does_not_silently_start_again(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    _train(run)
    _flip_byte(run.checkpoint(6))
    run.checkpoint(4).write_bytes(run.checkpoint(4).read_bytes()[:5000])
    with pytest.raises(
        RunError, match=r"^no checkpoint in .*4\.keras is broken .* starts at step 0"
    ):
        loop.resume(run, lambda: pytest.fail("must not build a new translator"))


def test_a_run_without_checkpoints_starts_at_step_0_and_reports_it(tmp_path):
    run, reports = RunDir.create(tmp_path / "r", {}), []
    assert int(loop.resume(run, _toy, reports.append).steps_taken.numpy()) == 0
    assert reports == [f"{run.path} has no checkpoint yet: starting at step 0"]


def test_rows_hold_learning_rates_weight_norms_and_gradient_norms(tmp_path):
    # Step 2 of the toy by hand: discriminator c, then generator g, each a scalar; SGD 0.1.
    run = RunDir.create(tmp_path / "r", {})
    mean = 2.0

    def batches(start):
        images = tf.constant(IMAGES) + mean
        return tf.data.Dataset.from_tensors({"a": images, "b": images}).repeat()

    loop.train(
        _toy(),
        batches,
        run=run,
        schedule=SCHEDULE,
        sample={"a": IMAGES, "b": IMAGES},
        console=Console(file=io.StringIO()),
    )
    g, c = 0.5, 0.25
    for _ in range(2):
        discriminator = g * mean
        c -= 0.1 * discriminator
        generator = 2.0 * c * mean  # the weight of l1 is 2
        g -= 0.1 * generator
    row = run.history()[0]
    assert row["step"] == 2
    assert row["grad_norm/discriminator"] == pytest.approx(abs(discriminator), rel=1e-5)
    assert row["grad_norm/generator"] == pytest.approx(abs(generator), rel=1e-5)
    assert row["weight_norm/discriminator"] == pytest.approx(abs(c), rel=1e-5)
    assert row["weight_norm/generator"] == pytest.approx(abs(g), rel=1e-5)
    assert row["learning_rate/discriminator"] == pytest.approx(0.1)


def test_tensorboard_has_scalars_by_role_and_preview_images(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = RunDir.create(tmp_path / "r", {})
    _train(run)
    events = EventAccumulator(str(run.logs))
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {"content/l1", "domain/discriminator", "speed/steps_per_second", "samples"} <= tags
    steps = [event.step for event in events.Tensors("content/l1")]
    assert steps == [2, 4, 6]
    first = tf.make_ndarray(events.Tensors("content/l1")[0].tensor_proto)
    assert float(first) == pytest.approx(run.history()[0]["content/l1"])


def test_preview_images_show_input_translation_and_truth(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    _train(run)
    image = read(run.samples / "step-00000006.png")
    assert image.shape[1] > 3 * 96  # three columns of upscaled pixels


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    # A learning rate that makes the weights infinite in a step whose loss is still finite.
    import keras

    run = RunDir.create(tmp_path / "r", {})
    model = Toy(scale(1e30, "g"), scale(1e30, "c"))
    model.compile({name: keras.optimizers.SGD(1e38) for name in ("discriminator", "generator")})
    images = tf.constant(IMAGES) + 2
    data = tf.data.Dataset.from_tensors({"a": images, "b": images}).repeat()
    with pytest.raises(TrainingError, match="no longer finite"):
        loop.train(
            model,
            lambda start: data,
            run=run,
            schedule=loop.Schedule((("train", 4),), 4, 4, 1, 2),
            sample={"a": IMAGES, "b": IMAGES},
            console=Console(file=io.StringIO()),
        )
    assert run.newest_checkpoint() is None


def test_a_run_resumed_at_its_last_step_takes_no_further_steps(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    _train(run)
    translator = loop.resume(run, lambda: pytest.fail("must not build a new translator"))
    assert int(translator.steps_taken.numpy()) == SCHEDULE.steps
    rows = run.history()
    _train(run, translator=translator)
    assert run.history() == rows


def test_a_finished_run_is_not_trained_again(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    model = _toy()
    _train(run, translator=model)
    before = model.generator.get_weights()[0].item()
    done, output = _train(run, translator=model)
    assert done
    assert output == ""
    assert model.generator.get_weights()[0].item() == before


@pytest.mark.slow
def test_a_run_stopped_in_its_second_stage_resumes_in_that_stage(tmp_path):
    def run_to(end, path, model):
        stages = (("first", 3), ("second", end))
        images = tf.constant(IMAGES)
        data = tf.data.Dataset.from_tensors({"a": images, "b": images}).repeat()
        done = loop.train(
            model,
            lambda start: data,
            run=path,
            schedule=loop.Schedule(stages, 1, 100, 2, 5),
            sample={"a": IMAGES, "b": IMAGES},
            console=Console(file=io.StringIO()),
        )
        assert done
        return [json.loads(line) for line in path.history_file.read_text().splitlines()]

    def staged():
        model = Staged(scale(0.5, "g"), scale(0.25, "c"))
        model.compile()
        return model

    uninterrupted = run_to(6, RunDir.create(tmp_path / "uninterrupted", {}), staged())
    assert [row["step"] for row in uninterrupted] == [1, 2, 3, 4, 5, 6]
    terms = [
        {key for key in row if key.startswith(("content/", "domain/"))} for row in uninterrupted
    ]
    assert terms == [{"domain/discriminator"}] * 3 + [{"content/l1"}] * 3
    assert [{key for key in row if key.startswith("learning_rate/")} for row in uninterrupted] == (
        [{"learning_rate/discriminator"}] * 3 + [{"learning_rate/generator"}] * 3
    )
    interrupted = RunDir.create(tmp_path / "interrupted", {})
    run_to(5, interrupted, staged())  # stops in the second stage, with a checkpoint of step 4
    resumed = run_to(6, interrupted, loop.resume(interrupted, staged))
    assert resumed == uninterrupted


def test_a_run_with_more_steps_does_not_return_to_an_earlier_stage(tmp_path):
    # With twice the steps, step 4 would belong to the first stage again.
    model = Staged(scale(0.5, "g"), scale(0.25, "c"))
    model.compile()
    images = tf.constant(IMAGES)
    data = tf.data.Dataset.from_tensors({"a": images, "b": images}).repeat()
    run = RunDir.create(tmp_path / "run", {})
    discriminator_weights = []
    for stages in ((("first", 2), ("second", 4)), (("first", 6), ("second", 8))):
        loop.train(
            model,
            lambda start: data,
            run=run,
            schedule=loop.Schedule(stages, 1, 100, 2, 5),
            sample={"a": IMAGES, "b": IMAGES},
            console=Console(file=io.StringIO()),
        )
        discriminator_weights.append(float(model.discriminator.trainable_weights[0].numpy().item()))
    assert int(model.steps_taken.numpy()) == 8
    assert discriminator_weights[0] == discriminator_weights[1]


def test_training_ends_when_its_time_is_used_up_and_writes_the_model(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    schedule = dataclasses.replace(SCHEDULE, seconds=0.001)  # any first step takes longer
    done, output = _train(run, schedule=schedule)
    assert done
    assert "stopped at step 1 of 6" in output
    assert "training.minutes are used up" in output
    assert run.model.is_file()
    assert [row["step"] for row in run.times()] == [1]


def test_a_resumed_run_counts_the_time_up_to_its_checkpoint(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    # Another session took 7 s up to step 4 and 9 s up to step 5, whose checkpoint is gone.
    run.times_file.write_text(
        '{"step": 4, "seconds": 7.0}\n{"step": 5, "seconds": 9.0}\n', encoding="utf-8"
    )
    assert [seconds_used(run, step) for step in (3, 4, 5)] == [0.0, 7.0, 9.0]
    run.discard_after(4)
    assert run.times() == [{"step": 4, "seconds": 7.0}]
    budget = TimeBudget(run, seconds=10, interval=1, used=seconds_used(run, 4), clock=Clock())
    assert [budget.is_exhausted for _ in range(4)] == [False, False, True, True]


class Clock:
    """A clock that is a second later at each look."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        self.seconds += 1.0
        return self.seconds
