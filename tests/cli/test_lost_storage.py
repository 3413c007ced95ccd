"""Storage that fails under a run: one sentence, exit code 2, and the run goes on once it is back.

Real file systems: a small tmpfs where this user may mount one.
"""

import contextlib
import shutil
import subprocess
import threading
import time

from tests.cli.conftest import settings
from tf_translate.training.run_dir import RunDir, is_whole


def _settings(pairs, steps, *more):
    own = (f"data.path={pairs}", f"training.steps={steps}", "training.lr_schedule=none", *more)
    return settings(*own)


@contextlib.contextmanager
def _once(run, step, act):
    """Does something as soon as the row of a step is written."""

    def watch():
        until = time.monotonic() + 120
        history = run / "history.jsonl"
        while time.monotonic() < until:
            if history.exists() and f'"step": {step},' in history.read_text():
                act()
                return
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    watcher.join()


def test_a_full_disk_ends_in_a_sentence_and_the_run_goes_on_when_there_is_room(
    command, mistake, pairs, disk
):
    run = disk.path / "run"
    # Every checkpoint is kept: they fill the disk.
    options = _settings(pairs, 60, "training.keep_checkpoints=99", "training.checkpoint_every=2")
    sentence = mistake("train", "pix2pix", "--run", run, *options)
    newest = RunDir(run).newest_checkpoint()
    assert sentence.startswith("error: training stopped at step ")
    assert f"{run}/" in sentence
    assert "cannot be written (No space left on device)" in sentence
    assert f"the last good checkpoint is {newest}. Free space there" in sentence
    assert sentence.endswith(f"then go on with: tf-translate train pix2pix --run {run} --resume")
    assert all(is_whole(path) for path in RunDir(run).newest_first())
    step = int(newest.stem.removeprefix("step-"))
    # Still full: nothing is lost by trying.
    assert "No space left on device" in mistake("train", "pix2pix", "--run", run, "--resume")
    assert is_whole(newest)
    disk.remount("size=64m")
    end = f"training.steps={step + 4}"
    code, out, _ = command("train", "pix2pix", "--run", run, "--resume", "--set", end)
    assert code == 0
    assert f"going on from step {step}: {newest}" in out
    rows = RunDir(run).rows()
    assert [row["step"] for row in rows] == list(range(2, step + 5, 2))


def test_a_read_only_folder_is_told_ahead_of_the_images(mistake, trained, pairs, disk):
    shutil.copytree(trained, disk.path / "run")
    disk.remount("ro")
    nowhere = _settings(pairs / "nowhere", 4)  # would be the next mistake
    sentence = mistake("train", "pix2pix", "--run", disk.path / "new" / "run", *nowhere)
    assert f"the run cannot be written to {disk.path}/new/run: {disk.path} is read-only" in sentence
    assert "choose another --run" in sentence
    sentence = mistake("train", "pix2pix", "--run", disk.path / "run", "--resume")
    assert f"the run cannot be written to {disk.path}/run: {disk.path}/run is read-only" in sentence


def test_a_folder_that_turns_read_only_in_the_midst(command, mistake, pairs, disk):
    run = disk.path / "run"
    checkpoints = run / "checkpoints"
    disk.remount("size=64m")

    def turn():  # a mount of its own, which closes as soon as nothing within it is being written
        subprocess.run(["mount", "--bind", checkpoints, checkpoints], check=True)
        while subprocess.run(["mount", "-o", "remount,bind,ro", checkpoints]).returncode:
            time.sleep(0.001)

    options = _settings(pairs, 2000, "training.checkpoint_every=2")
    with _once(run, 4, turn):
        sentence = mistake("train", "pix2pix", "--run", run, *options)
    newest = RunDir(run).newest_checkpoint()
    assert sentence.startswith("error: training stopped at step ")
    assert "cannot be written (Read-only file system)" in sentence
    assert f"the last good checkpoint is {newest}. Make the folder writable" in sentence
    assert is_whole(newest)
    subprocess.run(["umount", checkpoints], check=True)
    step = int(newest.stem.removeprefix("step-"))
    end = f"training.steps={step + 2}"
    assert command("train", "pix2pix", "--run", run, "--resume", "--set", end)[0] == 0


def test_a_place_that_takes_no_folders_is_told(mistake, pairs):
    sentence = mistake("train", "pix2pix", "--run", "/proc/run", *_settings(pairs, 4))
    assert "the run cannot be written to /proc/run: " in sentence
    assert "choose another --run" in sentence


def test_a_image_that_vanishes_stops_a_run_that_reads_it_again(mistake, pairs, tmp_path):
    run, gone = tmp_path / "run", pairs / "train" / "b" / "3.png"
    options = _settings(pairs, 100_000, "data.cache=none", "training.checkpoint_every=2")
    with _once(run, 4, gone.unlink):
        sentence = mistake("train", "pix2pix", "--run", run, *options)
    newest = RunDir(run).newest_checkpoint()
    assert sentence.startswith("error: training stopped at step ")
    assert f": there is no image file {gone}; the last good checkpoint is {newest}. " in sentence
    assert sentence.endswith(
        "Put the file back as it was, then go on with: "
        f"tf-translate train pix2pix --run {run} --resume"
    )


def test_images_that_vanish_do_not_matter_once_they_are_decoded(command, pairs, tmp_path):
    run = tmp_path / "run"
    with _once(run, 4, lambda: shutil.rmtree(pairs)):
        code, _, _ = command("train", "pix2pix", "--run", run, *_settings(pairs, 40))
    assert code == 0
    assert not pairs.exists()
    assert [row["step"] for row in RunDir(run).rows()][-1] == 40


def test_losses_that_break_end_in_step_cause_checkpoint_and_cure(mistake, pairs, tmp_path):
    run = tmp_path / "run"
    options = _settings(
        pairs, 100, "model.optimizer.learning_rate=1e30", "training.checkpoint_every=1"
    )
    sentence = mistake("train", "pix2pix", "--run", run, *options)
    assert sentence.startswith("error: training stopped at step ")
    assert "no longer finite" in sentence
    assert RunDir(run).last_good() in sentence
    assert "Try a new run with a lower learning_rate" in sentence
    assert "precision" not in sentence  # it is float32 already
