"""Storage failures during training: one sentence, exit code 2, and the run can be resumed.

The tests use real file systems: a small tmpfs, if this user may mount one.
"""

import contextlib
import shutil
import subprocess
import threading
import time

import pytest

from tests.cli.conftest import settings
from tf_translate.training.run_dir import RunDir, is_intact


def _settings(pairs, steps, *more):
    overrides = (
        f"data.path={pairs}",
        f"training.steps={steps}",
        "training.lr_schedule=none",
        *more,
    )
    return settings(*overrides)


@contextlib.contextmanager
def _at_step(run, step, action):
    """Calls `action` as soon as the row of a step is written."""

    def watch():
        deadline = time.monotonic() + 120
        history = run / "history.jsonl"
        while time.monotonic() < deadline:
            if history.exists() and f'"step": {step},' in history.read_text():
                action()
                return
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    watcher.join()


@pytest.mark.slow
def test_a_run_stopped_by_a_full_disk_resumes_once_there_is_space(command, mistake, pairs, disk):
    run = disk.path / "run"
    # Every checkpoint is kept, so that they fill the disk.
    options = _settings(pairs, 60, "training.keep_checkpoints=99", "training.checkpoint_every=2")
    sentence = mistake("train", "pix2pix", "--run", run, *options)
    newest = RunDir(run).newest_checkpoint()
    assert "error: training stopped at step " in sentence
    assert f"{run}/" in sentence
    assert "cannot be written (No space left on device)" in sentence
    assert f"the last intact checkpoint is {newest}. Free space there" in sentence
    assert sentence.endswith(f"then resume with: tf-translate train pix2pix --run {run} --resume")
    assert all(is_intact(path) for path in RunDir(run).checkpoints_newest_first())
    step = int(newest.stem.removeprefix("step-"))
    # The disk is still full: another attempt loses nothing.
    assert "No space left on device" in mistake("train", "pix2pix", "--run", run, "--resume")
    assert is_intact(newest)
    disk.remount("size=64m")
    end = f"training.steps={step + 4}"
    code, out, _ = command("train", "pix2pix", "--run", run, "--resume", "--set", end)
    assert code == 0
    assert f"resuming from step {step}: {newest}" in out
    rows = RunDir(run).history()
    assert [row["step"] for row in rows] == list(range(2, step + 5, 2))


def test_a_read_only_folder_is_reported_before_images_are_read(mistake, trained, pairs, disk):
    shutil.copytree(trained, disk.path / "run")
    disk.remount("ro")
    nowhere = _settings(pairs / "nowhere", 4)  # would be the next error
    sentence = mistake("train", "pix2pix", "--run", disk.path / "new" / "run", *nowhere)
    assert f"the run cannot be written to {disk.path}/new/run: {disk.path} is read-only" in sentence
    assert "choose another --run" in sentence
    sentence = mistake("train", "pix2pix", "--run", disk.path / "run", "--resume")
    assert f"the run cannot be written to {disk.path}/run: {disk.path}/run is read-only" in sentence


@pytest.mark.slow
def test_a_folder_that_becomes_read_only_during_training_stops_the_run(
    command, mistake, pairs, disk
):
    run = disk.path / "run"
    checkpoints = run / "checkpoints"
    disk.remount("size=64m")

    def make_read_only():  # a separate mount, remounted as soon as no file in it is being written
        subprocess.run(["mount", "--bind", checkpoints, checkpoints], check=True)
        while subprocess.run(["mount", "-o", "remount,bind,ro", checkpoints]).returncode:
            time.sleep(0.001)

    options = _settings(pairs, 2000, "training.checkpoint_every=2")
    with _at_step(run, 4, make_read_only):
        sentence = mistake("train", "pix2pix", "--run", run, *options)
    newest = RunDir(run).newest_checkpoint()
    assert "error: training stopped at step " in sentence
    assert "cannot be written (Read-only file system)" in sentence
    assert f"the last intact checkpoint is {newest}. Make the folder writable" in sentence
    assert is_intact(newest)
    subprocess.run(["umount", checkpoints], check=True)
    step = int(newest.stem.removeprefix("step-"))
    end = f"training.steps={step + 2}"
    assert command("train", "pix2pix", "--run", run, "--resume", "--set", end)[0] == 0


def test_a_run_path_where_no_folder_can_be_created_is_reported(mistake, pairs):
    sentence = mistake("train", "pix2pix", "--run", "/proc/run", *_settings(pairs, 4))
    assert "the run cannot be written to /proc/run: " in sentence
    assert "choose another --run" in sentence


@pytest.mark.thorough
def test_a_deleted_image_stops_a_run_that_reads_it_again(mistake, pairs, tmp_path):
    run, deleted = tmp_path / "run", pairs / "train" / "b" / "3.png"
    options = _settings(pairs, 100_000, "data.cache=none", "training.checkpoint_every=2")
    with _at_step(run, 4, deleted.unlink):
        sentence = mistake("train", "pix2pix", "--run", run, *options)
    newest = RunDir(run).newest_checkpoint()
    assert "error: training stopped at step " in sentence
    assert (
        f": there is no image file {deleted}; the last intact checkpoint is {newest}. " in sentence
    )
    assert sentence.endswith(
        f"Restore the file, then resume with: tf-translate train pix2pix --run {run} --resume"
    )


@pytest.mark.slow
def test_deleted_images_do_not_stop_a_run_that_has_cached_them(command, pairs, tmp_path):
    run = tmp_path / "run"
    with _at_step(run, 4, lambda: shutil.rmtree(pairs)):
        code, _, _ = command("train", "pix2pix", "--run", run, *_settings(pairs, 40))
    assert code == 0
    assert not pairs.exists()
    assert [row["step"] for row in RunDir(run).history()][-1] == 40


@pytest.mark.slow
def test_losses_that_are_not_finite_name_step_checkpoint_and_suggestion(mistake, pairs, tmp_path):
    run = tmp_path / "run"
    options = _settings(
        pairs, 100, "model.optimizer.learning_rate=1e30", "training.checkpoint_every=1"
    )
    sentence = mistake("train", "pix2pix", "--run", run, *options)
    assert "error: training stopped at step " in sentence
    assert "no longer finite" in sentence
    assert RunDir(run).describe_last_checkpoint() in sentence
    assert "Try a new run with a lower learning_rate" in sentence
    assert "precision" not in sentence  # precision is float32 already
