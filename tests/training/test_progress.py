"""What training says about its progress."""

import io
from types import SimpleNamespace

import pytest
import tensorflow as tf
from rich.console import Console

from tf_translate.training.progress import TimeEstimate, duration, warning_console


def _printed(stages, *, seconds_per_step, steps, per_execution=1):
    console, times = Console(file=io.StringIO()), [0.0]
    estimate = TimeEstimate(stages, console, clock=lambda: times[0])
    model = SimpleNamespace(steps_taken=tf.Variable(0))
    estimate.set_model(model)
    estimate.on_train_begin()
    for index in range(steps // per_execution):
        times[0] += 60.0 if index == 0 else seconds_per_step * per_execution  # the first traces
        model.steps_taken.assign_add(per_execution)
        estimate.on_train_batch_end(index)
    return console.file.getvalue()


def test_the_time_left_is_said_once_and_leaves_out_the_first_steps():
    printed = _printed([("train", 4022)], seconds_per_step=0.5, steps=60)
    # 22 steps are taken when 20 are timed; 4,000 are left, 0.5 s each.
    assert printed == "about 33 minutes for the 4,000 steps that are left, 0.5 s each\n"


def test_slow_steps_are_timed_for_fifteen_seconds_only_and_stages_are_named():
    printed = _printed([("gan", 9), ("encoder", 12)], seconds_per_step=8.0, steps=4)
    assert printed == "about 40 seconds for the 5 steps of this stage that are left, 8 s each\n"


def test_several_steps_in_one_execution_are_counted_one_by_one():
    printed = _printed([("train", 1170)], seconds_per_step=0.1, steps=400, per_execution=10)
    assert printed == "about 2 minutes for the 1,000 steps that are left, 0.1 s each\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "59 seconds"), (2040, "34 minutes"), (9000, "2.5 hours"), (216000, "2.5 days")],
)
def test_durations_are_rounded_to_a_fitting_unit(seconds, words):
    assert duration(seconds) == words


def test_warnings_are_not_hidden_with_the_progress():
    loud, quiet = Console(), Console(quiet=True)
    assert warning_console(loud) is loud
    assert not warning_console(quiet).quiet
    assert warning_console(quiet).stderr
