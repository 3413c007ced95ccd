"""Every file of a run on a device that is always full: each names itself and what is safe."""

import errno
import os
from pathlib import Path

import h5py
import pytest
import tensorflow as tf

from tests.training.test_loop import _train
from tf_translate.errors import DataError, RunError, TrainingError
from tf_translate.training.error_messages import compiling, reading, writing
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


def _raise(error):
    raise error


def _written(run, write):
    with writing(run, "it", 7):
        write()


def _write_hdf5():
    with h5py.File(FULL, "w") as file:
        file["a"] = [0.0] * 100_000


@pytest.mark.parametrize(
    "write", [_write_hdf5, lambda: tf.io.write_file(str(FULL), "x" * 100_000)], ids=["HDF5", "TF"]
)
def test_errors_of_hdf5_and_tensorflow_are_understood(run, write):
    with pytest.raises(RunError, match=r"step 7: it cannot be written \(No space left on device\)"):
        _written(run, write)


@pytest.mark.parametrize(
    "error",
    [ValueError("shape"), RuntimeError("no"), tf.errors.InternalError(None, None, "lost")],
    ids=lambda error: type(error).__name__,
)
def test_errors_that_are_not_of_storage_pass(run, error):
    with pytest.raises(type(error)) as caught:
        _written(run, lambda: _raise(error))
    assert caught.value is error


def test_a_step_that_xla_cannot_compile_is_told(run):
    error = tf.errors.InvalidArgumentError(None, None, "see tensorflow.org/xla/known_issues")
    told = pytest.raises(TrainingError, match="XLA cannot compile this step")
    with told as caught, compiling(run, compiled=True):
        _raise(error)
    assert str(caught.value).endswith("--resume --set training.xla=off")


@pytest.mark.parametrize(("compiled", "text"), [(False, "tensorflow.org/xla"), (True, "lost")])
def test_other_errors_than_xlas_pass(run, compiled, text):
    error = tf.errors.InvalidArgumentError(None, None, text)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught, compiling(run, compiled):
        _raise(error)
    assert caught.value is error


@pytest.mark.parametrize(
    ("number", "cure"),
    [(errno.EROFS, "Make the folder writable"), (errno.EIO, "See to the folder")],
)
def test_what_failed_decides_the_cure(run, number, cure):
    with pytest.raises(RunError, match=f"{cure}, then go on with"):
        _written(run, lambda: _raise(OSError(number, os.strerror(number), "it")))


def _drawn(run, data):
    with reading(run, lambda: 7):
        return list(data)


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (DataError("there is no image file 3.png"), r"^training stopped at step 7: there is no im"),
        (ValueError("a mistake of ours"), "a mistake of ours"),
    ],
)
def test_a_data_error_comes_out_of_a_graph_as_one_and_others_as_they_are(run, error, seen):
    data = tf.data.Dataset.range(1).map(
        lambda n: tf.numpy_function(lambda _: _raise(error), [n], tf.int64)
    )
    expected = DataError if isinstance(error, DataError) else tf.errors.InvalidArgumentError
    with pytest.raises(expected, match=seen):
        _drawn(run, data)
