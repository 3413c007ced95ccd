import zipfile

from tf_translate.training.choice import assess
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
