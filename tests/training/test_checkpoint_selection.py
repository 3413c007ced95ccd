import io
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from tests.core.toy import Toy, scale
from tf_translate.training import loop
from tf_translate.training.checkpoint_selection import assess_checkpoint, patience_exhausted
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


def test_the_checkpoint_with_the_highest_score_becomes_the_model(tmp_path):
    run = _run(tmp_path, SCORES)
    for step in SCORES:
        assess_checkpoint(run, step, _measure)
    assert run.best_checkpoint().name == "best-00000004.keras"
    run.write_model(6)
    assert run.model.read_bytes() == run.checkpoint(4).read_bytes()
    assert run.finished_model() == run.best_checkpoint()
    assert [row["score"] for row in run.assessments()] == [0.5, 0.9, 0.7]


def test_without_assessments_the_last_checkpoint_becomes_the_model(tmp_path):
    run = _run(tmp_path, SCORES)
    run.write_model(6)
    assert run.model.read_bytes() == run.checkpoint(6).read_bytes()
    assert run.finished_model() == run.checkpoint(6)


def test_a_checkpoint_is_measured_only_once(tmp_path):
    run = _run(tmp_path, [2])
    first = assess_checkpoint(run, 2, _measure)

    def fail(checkpoint):
        raise AssertionError("measured again")

    assert assess_checkpoint(run, 2, fail) == first


def test_a_kill_between_keeping_and_recording_a_checkpoint_selects_the_same_best(tmp_path):
    run = _run(tmp_path, [2, 4])
    assess_checkpoint(run, 2, _measure)
    run.keep_best(run.checkpoint(4))  # killed here, before its row is written
    run.discard_after(4)
    assess_checkpoint(run, 4, _measure)
    assert run.best_checkpoint().name == "best-00000004.keras"
    assert [row["step"] for row in run.assessments()] == [2, 4]


def test_resuming_from_an_earlier_step_discards_later_assessments(tmp_path):
    run = _run(tmp_path, SCORES)
    for step in (2, 4):
        assess_checkpoint(run, step, _measure)
    run.discard_after(2)
    assert run.best_checkpoint() is None
    assert [row["step"] for row in run.assessments()] == [2]


@pytest.mark.parametrize(
    ("scores", "patience", "expected"),
    [
        ([0.5, 0.4, 0.3], 0, False),  # never
        ([0.5, 0.4], 2, False),  # only one is worse
        ([0.5, 0.4, 0.5], 2, True),  # an equal score is no improvement
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.6, 0.4, 0.55], 2, True),
        ([0.5], 1, False),  # no earlier checkpoint
        ([], 1, False),
    ],
)
def test_patience_is_exhausted_if_no_later_checkpoint_is_better(scores, patience, expected):
    assert patience_exhausted([{"score": score} for score in scores], patience) == expected


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


@pytest.mark.slow
def test_exhausted_patience_stops_training_and_the_best_checkpoint_becomes_the_model(tmp_path):
    scores = {2: 0.5, 4: 0.9, 6: 0.7, 8: 0.9, 10: 1.0}  # two are no better than that of step 4

    def measure(checkpoint):
        return {"score": scores[int(checkpoint.stem.removeprefix("step-"))]}

    run = RunDir.create(tmp_path / "r", {})
    done, step, text = _train(run, measure, patience=2)
    assert done
    assert step == 9  # one step later, so that all workers learn of it
    assert "stopped at step 9 of 40: the last 2 assessed checkpoints" in text
    assert "no better than step 4 (score 0.900)" in text
    assert run.best_checkpoint().name == "best-00000004.keras"
    assert run.model.read_bytes() == run.best_checkpoint().read_bytes()
    # When resumed it stays at this step; with more patience it continues.
    resumed = loop.resume(run, lambda: pytest.fail("must not build a new translator"))
    rows = run.history()
    assert _train(run, measure, 2, resumed)[:2] == (True, 9)
    assert run.history() == rows
    with pytest.raises(KeyError):  # step 12 has no score: it was reached
        _train(run, measure, 3, loop.resume(run, lambda: None))
    assert [row["step"] for row in run.assessments()] == [2, 4, 6, 8, 10]
