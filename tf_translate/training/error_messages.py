"""What a run says when it cannot go on: the step, what failed and why, what is safe, the cure."""

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from tf_translate.errors import DataError, RunError, TrainingError
from tf_translate.training.run_dir import RunDir

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def writing(run: RunDir, what: object, step: int) -> Iterator[None]:
    """Turns a write that fails into one sentence.

    Python, HDF5 and TensorFlow each have their own errors for a full disk; an error that does not
    come from storage passes.

    Args:
        run: Whose file it is.
        what: The file.
        step: The step that was reached.

    Raises:
        RunError: If the file cannot be written.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
        number = _number_of(error)
        if number is None:
            raise
        raise RunError(
            f"training stopped at step {step}: {what} cannot be written "
            f"({os.strerror(number)}); {run.last_good()}. {_cure(number)}, then go on with: "
            f"{run.go_on()}"
        ) from error


@contextlib.contextmanager
def reading(run: RunDir, step: Callable[[], int]) -> Iterator[None]:
    """Turns a image that cannot be read any more in the midst of training into one sentence.

    Raises:
        DataError: If TensorFlow's error was one of ours in a function of the input pipeline.
    """
    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"DataError: (.+)", str(error))
        if found is None:
            raise
        raise DataError(
            f"training stopped at step {step()}: {found[1]}; {run.last_good()}. Put the file "
            f"back as it was, then go on with: {run.go_on()}"
        ) from error


@contextlib.contextmanager
def compiling(run: RunDir, compiled: bool) -> Iterator[None]:
    """Turns a step that XLA cannot compile into one sentence.

    Args:
        run: Its directory.
        compiled: Whether steps are compiled; without, every error passes.

    Raises:
        TrainingError: If TensorFlow's error tells of XLA.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not compiled or "xla" not in str(error).lower():
            raise
        raise TrainingError(
            "training.xla = 'on', but XLA cannot compile this step on these devices; go on without "
            f"it: {run.go_on()} --set training.xla=off"
        ) from error


def diverged(run: RunDir, step: int, what: str) -> TrainingError:
    """The error of a run whose losses or weights are no longer finite numbers.

    Args:
        run: Its directory.
        step: The first step that showed it.
        what: What is not finite, with its verb.
    """
    halved = keras.mixed_precision.global_policy().name != "float32"
    precision = " or training.precision = 'float32'" if halved else ""
    begin = f" and training.init_from={run.path}" if run.newest_checkpoint() else ""
    return TrainingError(
        f"training stopped at step {step}: {what} no longer finite; {run.last_good()}. Try a new "
        f"run with a lower learning_rate (model.optimizer.learning_rate){precision}{begin}"
    )


def _number_of(error: BaseException | None) -> int | None:
    """The system's number of the error that lies at the bottom, or None if there is none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        told = re.search(r"errno = (\d+)", str(error))  # HDF5
        if told:
            return int(told[1])
        if isinstance(error, tf.errors.OpError):  # its text ends in the system's words
            known = (*_FULL, *_CLOSED, errno.EIO, errno.ENOENT)
            number = next((n for n in known if os.strerror(n) in str(error)), None)
            if number is not None:
                return number
        error = error.__cause__ or error.__context__
    return None


def _cure(number: int) -> str:
    if number in _FULL:
        return "Free space there"
    if number in _CLOSED:
        return "Make the folder writable"
    return "See to the folder"
