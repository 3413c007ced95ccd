"""More steps for a finished run, and what a run survives when it is resumed."""

import json
import shutil

import pytest

from tests.cli.conftest import settings, write_pairs
from tf_translate.training.run_dir import RunDir


@pytest.fixture(scope="module")
def constant(tmp_path_factory):
    """A finished run of four steps with a constant learning rate; do not change it."""
    from tests.cli.conftest import run_in_this_process

    folder = tmp_path_factory.mktemp("constant")
    data = write_pairs(folder / "pairs")
    options = settings(f"data.path={data}", "training.steps=4", "training.lr_schedule=none")
    run_in_this_process("train", "pix2pix", "--run", folder / "run", *options)
    return folder / "run"


@pytest.mark.slow
def test_a_finished_run_gets_more_steps_and_keeps_what_else_lies_in_it(command, constant, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(constant, run)
    checkpoint = run / "checkpoints" / "step-00000004.keras"
    copy = run / "checkpoints" / "step-00000024 (copy).keras"
    shutil.copy(checkpoint, copy)
    (run / "checkpoints" / "best-x.keras").write_bytes(b"mine")
    rows = (run / "history.jsonl").read_bytes().splitlines(keepends=True)
    (run / "history.jsonl").write_bytes(b"".join([rows[0], b"\xff12\n", *rows[1:]]))
    more = ("--set", "training.steps=7", "--set", "training.log_every=1")
    code, out, error = command("train", "pix2pix", "--run", run, "--resume", *more)
    assert code == 0, error
    assert "best-x.keras, step-00000024 (copy).keras" in out
    assert "has 1 broken line (2), moved to history.jsonl.broken; its 2 other lines" in out
    assert f"resuming from step 4: {checkpoint}" in out
    assert [row["step"] for row in RunDir(run).history()] == [2, 4, 5, 6, 7]
    assert json.loads((run / "config.json").read_text())["training"]["steps"] == 7
    assert (run / "history.jsonl.broken").read_bytes() == b"\xff12\n"
    assert copy.exists()
    assert (run / "checkpoints" / "best-x.keras").read_bytes() == b"mine"
    assert (run / "checkpoints" / "step-00000007.keras").exists()


def test_a_learning_rate_planned_for_the_last_step_refuses_more_and_names_init_from(
    mistake, trained
):
    sentence = mistake(
        "train", "pix2pix", "--run", trained, "--resume", "--set", "training.steps=16"
    )
    assert f"training.steps of {trained} cannot change from 8 to 16" in sentence
    assert "training.lr_schedule = 'linear' reaches 0 at the last step" in sentence
    assert f"tf-translate train pix2pix --run NEW --set training.init_from={trained}" in sentence


@pytest.mark.parametrize(
    ("setting", "change"),
    [
        ("model.base_filters=8", "model.base_filters cannot change from 4 to 8"),
        ("training.batch_size=1", "training.batch_size cannot change from 2 to 1"),
        ("training.stages.x=0.5", "training.stages.x cannot change from None to 0.5"),
        ("data.size=[8, 8]", "data.size cannot change from (16, 16) to (8, 8)"),
        ("loss_weights.l1=1", "loss_weights.l1 cannot change from 100.0 to 1.0"),
    ],
)
def test_another_setting_that_resume_does_not_take_is_named(mistake, trained, setting, change):
    sentence = mistake("train", "pix2pix", "--run", trained, "--resume", "--set", setting)
    assert change in sentence
    assert "--resume continues with the run's settings, and takes only data.path, " in sentence
    assert "training.steps" in sentence
