"""The number of steps that fit into a time."""

from tf_translate.config.schema import TrainingConfig
from tf_translate.experiment.step_timing import StageTime, step_time


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
