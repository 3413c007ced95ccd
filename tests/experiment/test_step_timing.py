"""The number of steps that fit into a time."""

import types

import pytest
import tensorflow as tf

from tf_translate.config.schema import TrainingConfig
from tf_translate.core.training_step.step_variants import StepVariants
from tf_translate.experiment import step_timing
from tf_translate.experiment.step_timing import SlowStart, StageTime, step_time, time_stages
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


@pytest.mark.parametrize(
    ("minutes", "steps"),
    [
        (2, 320),  # 0.95 of 2 minutes are 114 s, of which 50 s are what 100 steps take more
        (0.5, 40),  # 28.5 s: all 40 steps take 0.7 s
    ],
)
def test_first_steps_that_take_longer_leave_less_time(minutes, steps):
    training = TrainingConfig(steps=100)
    times = {"encoder": StageTime(0.0, 0.2, SlowStart(100, 0.5))}
    assert step_time(training, [("encoder", 100)], times).steps_in(minutes) == steps


def test_a_stage_may_be_shorter_than_its_slow_start():
    # 28.5 s; 0.2 s a step, and a quarter of them 0.5 s more: 0.325 s in the mean.
    training = TrainingConfig(steps=100)
    times = {"gan": StageTime(0.0, 0.2), "encoder": StageTime(0.0, 0.2, SlowStart(100, 0.5))}
    time = step_time(training, [("gan", 75), ("encoder", 100)], times)
    assert time.steps_in(0.5) == 87
    slower = time.scaled(2)
    assert slower.steps_in(0.5) == 43
    assert slower.slow_starts["encoder"] == SlowStart(100, 1.0, 0.25)


@pytest.mark.parametrize(
    ("variant_steps", "seconds", "slow_start"),
    [
        (lambda steps: min(steps, 100), 0.5, SlowStart(100, 1.0)),  # recalibrating steps of 1.5 s
        (lambda steps: sum(map(Bursts(3, 1).alone, range(steps))), (0.5 + 2 * 1.5) / 3, None),
        (lambda steps: 0, 0.5, None),
    ],
    ids=["first", "bursts", "none"],
)
def test_both_kinds_of_steps_are_timed_and_weighted(
    monkeypatch, variant_steps, seconds, slow_start
):
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
    assert found.slow_start == slow_start
