"""Failed writes, with files of a run on a device that is always full, and other failures."""

import errno
import os
import threading
from pathlib import Path

import h5py
import pytest
import tensorflow as tf

from tests.training.test_loop import _train
from tf_translate.errors import DataError, RunError, TrainingError
from tf_translate.training.error_messages import (
    explain_read_errors,
    explain_write_errors,
    explain_xla_errors,
)
from tf_translate.training.run_dir import RunDir

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


@pytest.fixture
def run(tmp_path):
    return RunDir.create(tmp_path / "r", {"method": "pix2pix"})


def _error_of(run):
    with pytest.raises(RunError) as caught:
        _train(run)
    return str(caught.value)


def test_a_full_disk_at_a_row_of_losses_names_the_file_and_the_resume_command(run):
    run.history_file.symlink_to(FULL)
    assert _error_of(run) == (
        f"training stopped at step 2: {run.history_file} cannot be written "
        "(No space left on device); there is no checkpoint yet. Free space there, then resume "
        f"with: tf-translate train pix2pix --run {run.path} --resume"
    )


def test_a_full_disk_at_a_checkpoint_keeps_the_previous_one(run):
    # The temporary file of the last checkpoint.
    temporary = f".{os.getpid()}-{threading.get_native_id()}-step-00000006.keras"
    (run.checkpoints / temporary).symlink_to(FULL)
    sentence = _error_of(run)
    assert f"step 6: {run.checkpoint(6)} cannot be written (No space left on device)" in sentence
    assert f"the last intact checkpoint is {run.checkpoint(4)}. Free space there" in sentence
    assert run.newest_checkpoint() == run.checkpoint(4)


def test_a_full_disk_at_the_session_row_names_the_file(run):
    run.sessions_file.symlink_to(FULL)
    sentence = _error_of(run)
    assert f"step 6: {run.sessions_file} cannot be written (No space left on device)" in sentence


def test_only_the_first_of_several_failures_is_reported(run):
    run.history_file.symlink_to(FULL)
    run.sessions_file.symlink_to(FULL)
    assert str(run.history_file) in _error_of(run)


def _raise(error):
    raise error


def _write_at_step_7(run, write):
    with explain_write_errors(run, "the file", 7):
        write()


def _write_hdf5():
    with h5py.File(FULL, "w") as file:
        file["a"] = [0.0] * 100_000


@pytest.mark.parametrize(
    "write", [_write_hdf5, lambda: tf.io.write_file(str(FULL), "x" * 100_000)], ids=["HDF5", "TF"]
)
def test_a_full_disk_is_recognized_in_errors_of_hdf5_and_tensorflow(run, write):
    message = r"step 7: the file cannot be written \(No space left on device\)"
    with pytest.raises(RunError, match=message):
        _write_at_step_7(run, write)


@pytest.mark.parametrize(
    "error",
    [ValueError("shape"), RuntimeError("no"), tf.errors.InternalError(None, None, "lost")],
    ids=lambda error: type(error).__name__,
)
def test_errors_that_do_not_come_from_storage_pass_unchanged(run, error):
    with pytest.raises(type(error)) as caught:
        _write_at_step_7(run, lambda: _raise(error))
    assert caught.value is error


def test_a_step_that_xla_cannot_compile_suggests_training_without_xla(run):
    error = tf.errors.InvalidArgumentError(None, None, "see tensorflow.org/xla/known_issues")
    failure = pytest.raises(TrainingError, match="XLA cannot compile this step")
    with failure as caught, explain_xla_errors(run, jit_compile=True):
        _raise(error)
    assert str(caught.value).endswith("--resume --set training.xla=off")


@pytest.mark.parametrize(("jit_compile", "text"), [(False, "tensorflow.org/xla"), (True, "lost")])
def test_errors_that_do_not_come_from_xla_pass_unchanged(run, jit_compile, text):
    error = tf.errors.InvalidArgumentError(None, None, text)
    failure = pytest.raises(tf.errors.InvalidArgumentError)
    with failure as caught, explain_xla_errors(run, jit_compile):
        _raise(error)
    assert caught.value is error


@pytest.mark.parametrize(
    ("code", "suggestion"),
    [(errno.EROFS, "Make the folder writable"), (errno.EIO, "Check the folder")],
)
def test_the_suggestion_depends_on_the_system_error(run, code, suggestion):
    with pytest.raises(RunError, match=f"{suggestion}, then resume with"):
        _write_at_step_7(run, lambda: _raise(OSError(code, os.strerror(code), "file")))


def _read_at_step_7(run, data):
    with explain_read_errors(run, lambda: 7):
        return list(data)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DataError("there is no image file 3.png"), r"^training stopped at step 7: there is no im"),
        (ValueError("a bug"), "a bug"),
    ],
)
def test_a_data_error_in_a_graph_is_raised_as_one_and_other_errors_pass_unchanged(
    run, error, message
):
    data = tf.data.Dataset.range(1).map(
        lambda n: tf.numpy_function(lambda _: _raise(error), [n], tf.int64)
    )
    expected = DataError if isinstance(error, DataError) else tf.errors.InvalidArgumentError
    with pytest.raises(expected, match=message):
        _read_at_step_7(run, data)
