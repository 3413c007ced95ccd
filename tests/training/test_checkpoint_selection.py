import io
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from tests.core.toy import Toy, scale
from tf_translate.training import loop
from tf_translate.training.checkpoint_selection import assess, exhausted
from tf_translate.training.run_dir import RunDir


def _run(tmp_path, steps):
    run = RunDir.create(tmp_path / "r", {})
    for step in steps:
        run.save_checkpoint(lambda file, step=step: _checkpoint(file, step), step, keep=9)
    return run


def _checkpoint(file, step):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("step", str(step))


SCORES = {2: 0.5, 4: 0.9, 6: 0.7}


def _measure(checkpoint):
    return {"score": SCORES[int(checkpoint.stem.removeprefix("step-"))], "error": 0.1}


def test_the_checkpoint_with_the_highest_score_is_kept_and_delivered(tmp_path):
    run = _run(tmp_path, SCORES)
    for step in SCORES:
        assess(run, step, _measure)
    assert run.best_checkpoint().name == "best-00000004.keras"
    run.deliver(6)
    assert run.model.read_bytes() == run.checkpoint(4).read_bytes()
    assert run.finished_model() == run.best_checkpoint()
    assert [row["score"] for row in run.assessments()] == [0.5, 0.9, 0.7]


def test_without_a_choice_the_last_checkpoint_is_delivered(tmp_path):
    run = _run(tmp_path, SCORES)
    run.deliver(6)
    assert run.model.read_bytes() == run.checkpoint(6).read_bytes()
    assert run.finished_model() == run.checkpoint(6)


def test_a_step_is_measured_once(tmp_path):
    run = _run(tmp_path, [2])
    first = assess(run, 2, _measure)

    def never(checkpoint):
        raise AssertionError("measured again")

    assert assess(run, 2, never) == first


def test_a_kill_between_keeping_and_noting_ends_in_the_same_choice(tmp_path):
    run = _run(tmp_path, [2, 4])
    assess(run, 2, _measure)
    run.keep_best(run.checkpoint(4))  # killed here, ahead of its row
    run.tidy(4)
    assess(run, 4, _measure)
    assert run.best_checkpoint().name == "best-00000004.keras"
    assert [row["step"] for row in run.assessments()] == [2, 4]


def test_going_back_drops_what_came_after(tmp_path):
    run = _run(tmp_path, SCORES)
    for step in (2, 4):
        assess(run, step, _measure)
    run.tidy(2)
    assert run.best_checkpoint() is None
    assert [row["step"] for row in run.assessments()] == [2]


@pytest.mark.parametrize(
    ("scores", "patience", "expected"),
    [
        ([0.5, 0.4, 0.3], 0, False),  # never
        ([0.5, 0.4], 2, False),  # one worse only
        ([0.5, 0.4, 0.5], 2, True),  # equal is no better
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.6, 0.4, 0.55], 2, True),
        ([0.5], 1, False),  # nothing to compare with
        ([], 1, False),
    ],
)
def test_patience_ends_when_no_late_checkpoint_is_better(scores, patience, expected):
    assert exhausted([{"score": score} for score in scores], patience) == expected


def _train(run, measure, patience, model=None):
    model = model or Toy(scale(0.5, "g"), scale(0.25, "c"))
    model.compile()
    images = np.linspace(-1, 1, 4, dtype=np.float32).reshape(4, 1, 1, 1)
    data = tf.data.Dataset.from_tensors({"a": images, "b": images}).repeat()
    text = io.StringIO()
    done = loop.train(
        model,
        lambda start: data,
        run=run,
        schedule=loop.Schedule((("train", 40),), 2, 100, 2, 9, patience),
        sample={"a": images, "b": images},
        console=Console(file=text, width=400),
        measure=measure,
    )
    return done, int(model.steps_taken.numpy()), text.getvalue()


def test_training_stops_at_the_end_of_patience_and_delivers_the_best(tmp_path):
    scores = {2: 0.5, 4: 0.9, 6: 0.7, 8: 0.9, 10: 1.0}  # two no better than that of 4

    def measure(checkpoint):
        return {"score": scores[int(checkpoint.stem.removeprefix("step-"))]}

    run = RunDir.create(tmp_path / "r", {})
    done, step, text = _train(run, measure, patience=2)
    assert done
    assert step == 9  # the step after, of which all workers know
    assert "stopped at step 9 of 40: the last 2 measured checkpoints" in text
    assert "no better than step 4 (score 0.900)" in text
    assert run.best_checkpoint().name == "best-00000004.keras"
    assert run.model.read_bytes() == run.best_checkpoint().read_bytes()
    # Resumed, it stays where it is; with more patience it goes on.
    again = loop.resume(run, lambda: pytest.fail("must not build anew"))
    rows = run.rows()
    assert _train(run, measure, 2, again)[:2] == (True, 9)
    assert run.rows() == rows
    with pytest.raises(KeyError):  # step 12 has no score: it was reached
        _train(run, measure, 3, loop.resume(run, lambda: None))
    assert [row["step"] for row in run.assessments()] == [2, 4, 6, 8, 10]
