"""The number of steps that fit into a time."""

import types

import pytest
import tensorflow as tf

from tf_translate.config.schema import TrainingConfig
from tf_translate.core.training_step.step_variants import StepVariants
from tf_translate.experiment import step_timing
from tf_translate.experiment.step_timing import StageTime, step_time, time_stages
from tf_translate.methods.genegan import Bursts


def test_steps_of_all_stages_fit_into_the_time():
    # 2 minutes less 10 s + 10 s for tracing are 100 s, of which 95 are for steps. A quarter of the
    # steps takes 0.4 s each and the rest 0.2 s, in the mean 0.25 s: 380 steps.
    training = TrainingConfig(steps=100)
    times = {"gan": StageTime(10.0, 0.4), "encoder": StageTime(10.0, 0.2)}
    time = step_time(training, [("gan", 25), ("encoder", 100)], times)
    assert time.steps_in(2) == 380


def test_a_time_that_is_too_short_leaves_steps_for_each_stage():
    training = TrainingConfig(steps=100, steps_per_execution=5)
    times = {"train": StageTime(30.0, 1.0)}
    assert step_time(training, [("train", 100)], times).steps_in(0.1) == 10


def test_first_steps_that_take_longer_leave_less_time():
    # 0.95 of 2 minutes are 114 s, of which 50 s are what the first steps take more.
    training = TrainingConfig(steps=100)
    times = {"encoder": StageTime(0.0, 0.2, more=50.0)}
    assert step_time(training, [("encoder", 100)], times).steps_in(2) == 320  # 64 s / 0.2 s


@pytest.mark.parametrize(
    ("variant_steps", "seconds", "more"),
    [
        (lambda steps: min(steps, 100), 0.5, 100.0),  # 100 recalibrating steps of 1.5 s
        (lambda steps: sum(map(Bursts(3, 1).alone, range(steps))), (0.5 + 2 * 1.5) / 3, 0.0),
        (lambda steps: 0, 0.5, 0.0),
    ],
    ids=["first", "bursts", "none"],
)
def test_both_kinds_of_steps_are_timed_and_weighted(monkeypatch, variant_steps, seconds, more):
    now = [0.0]
    variants = StepVariants(lambda: True)  # as in the first steps of an encoder

    def step(duration):
        def take(batches):
            now[0] += duration
            return {"loss": tf.constant(1.0)}

        return take

    monkeypatch.setattr(step_timing, "distributed_iterator", lambda translator, batches: batches)
    translator = types.SimpleNamespace(
        stages=["encoder"],
        stage="encoder",
        step_variants=variants,
        variant_steps=variant_steps,
        steps_per_execution=1,
        make_train_function=lambda force: None,
        train_function=variants.choose_between(step(0.5), step(1.5)),
    )
    found = time_stages(translator, list, clock=lambda: now[0])["encoder"]
    assert found.seconds == pytest.approx(seconds, rel=1e-3)
    assert found.more == pytest.approx(more, abs=2)
