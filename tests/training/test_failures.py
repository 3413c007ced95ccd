"""Every file of a run on a device that is always full: each names itself and what is safe."""

import contextlib
import errno
import os
from pathlib import Path

import h5py
import pytest
import tensorflow as tf

from tests.training.test_loop import _train
from tf_translate.errors import DataError, RunError
from tf_translate.training.failures import reading, writing
from tf_translate.training.run_dir import RunDir

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


@pytest.fixture
def run(tmp_path):
    return RunDir.create(tmp_path / "r", {"method": "pix2pix"})


def _fails(run):
    with pytest.raises(RunError) as caught:
        _train(run)
    return str(caught.value)


def test_a_row_of_losses_that_finds_no_room(run):
    run.history.symlink_to(FULL)
    assert _fails(run) == (
        f"training stopped at step 2: {run.history} cannot be written (No space left on device); "
        "there is no checkpoint yet. Free space there, then go on with: "
        f"tf-translate train pix2pix --run {run.path} --resume"
    )


def test_a_checkpoint_that_finds_no_room_leaves_the_one_before(run):
    # The file that the checkpoint of the end is first written to.
    (run.checkpoints / f".{os.getpid()}-step-00000006.keras").symlink_to(FULL)
    sentence = _fails(run)
    assert f"step 6: {run.checkpoint(6)} cannot be written (No space left on device)" in sentence
    assert f"the last good checkpoint is {run.checkpoint(4)}. Free space there" in sentence
    assert run.newest_checkpoint() == run.checkpoint(4)


def test_the_line_on_a_session_that_finds_no_room(run):
    run.sessions.symlink_to(FULL)
    assert f"step 6: {run.sessions} cannot be written (No space left on device)" in _fails(run)


def test_the_first_failure_is_told_not_those_that_follow(run):
    run.history.symlink_to(FULL)
    run.sessions.symlink_to(FULL)
    assert str(run.history) in _fails(run)


def test_errors_of_hdf5_and_tensorflow_are_understood(run):
    with pytest.raises(RunError, match=r"step 7: weights cannot be written \(No space left"):
        with writing(run, "weights", 7), h5py.File(FULL, "w") as file:
            file["a"] = [0.0] * 100_000
    with pytest.raises(RunError, match=r"logs cannot be written \(No space left on device\)"):
        with writing(run, "logs", 7):
            tf.io.write_file(str(FULL), "x" * 100_000)


def test_errors_that_are_not_of_storage_pass(run):
    for error in (ValueError("shape"), RuntimeError("no"), tf.errors.InternalError(None, None, "")):
        with pytest.raises(type(error)), writing(run, "it", 7):
            raise error
    with pytest.raises(tf.errors.InternalError), reading(run, lambda: 7):
        raise tf.errors.InternalError(None, None, "lost")


def test_what_closed_the_door_decides_the_cure(run):
    with pytest.raises(RunError, match="Make the folder writable, then go on with"):
        with writing(run, "it", 7):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), "it")
    with pytest.raises(RunError, match="See to the folder, then go on with"):
        with writing(run, "it", 7):
            raise OSError(errno.EIO, os.strerror(errno.EIO), "it")


def test_a_data_error_comes_out_of_a_graph_as_one(run):
    def read(_):
        raise DataError("there is no image file 3.png")

    data = tf.data.Dataset.range(1).map(lambda n: tf.numpy_function(read, [n], tf.int64))
    with pytest.raises(DataError, match=r"^training stopped at step 7: there is no image file 3.p"):
        with contextlib.ExitStack() as stack:
            stack.enter_context(reading(run, lambda: 7))
            list(data)
