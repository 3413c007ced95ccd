"""Turns failures of training into one sentence for the user.

A sentence names the step, what failed and why, the last intact checkpoint and the next action.
"""

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
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def explain_write_errors(run: RunDir, target: object, step: int) -> Iterator[None]:
    """Turns a failed write into one sentence.

    Python, HDF5 and TensorFlow each have their own errors for a full disk. Errors that do not
    come from storage pass unchanged.

    Args:
        run: The run that the file belongs to.
        target: The file, for the message.
        step: The current training step.

    Raises:
        RunError: If the file cannot be written.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
        code = _system_error_code(error)
        if code is None:
            raise
        raise RunError(
            f"training stopped at step {step}: {target} cannot be written "
            f"({os.strerror(code)}); {run.describe_last_checkpoint()}. {_suggestion(code)}, then "
            f"resume with: {run.resume_command()}"
        ) from error


@contextlib.contextmanager
def explain_read_errors(run: RunDir, current_step: Callable[[], int]) -> Iterator[None]:
    """Turns an image that becomes unreadable during training into one sentence.

    Raises:
        DataError: If TensorFlow's error wraps a DataError of the input pipeline.
    """
    try:
        yield
    except tf.errors.OpError as error:
        match = re.search(r"DataError: (.+)", str(error))
        if match is None:
            raise
        raise DataError(
            f"training stopped at step {current_step()}: {match[1]}; "
            f"{run.describe_last_checkpoint()}. Restore the file, then resume with: "
            f"{run.resume_command()}"
        ) from error


@contextlib.contextmanager
def explain_xla_errors(run: RunDir, jit_compile: bool) -> Iterator[None]:
    """Turns a step that XLA cannot compile into one sentence.

    Args:
        run: The run that is trained.
        jit_compile: Whether steps are compiled with XLA. If not, every error passes unchanged.

    Raises:
        TrainingError: If TensorFlow's error mentions XLA.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not jit_compile or "xla" not in str(error).lower():
            raise
        raise TrainingError(
            "training.xla = 'on', but XLA cannot compile this step on these devices; resume "
            f"without it: {run.resume_command()} --set training.xla=off"
        ) from error


def divergence_error(run: RunDir, step: int, subject: str) -> TrainingError:
    """The error for losses or weights that are no longer finite.

    Args:
        run: The run that is trained.
        step: The first step at which it was detected.
        subject: What is not finite, with its verb, as in "the loss content/l1 is".
    """
    half_precision = keras.mixed_precision.global_policy().name != "float32"
    precision = " or training.precision = 'float32'" if half_precision else ""
    init_from = f" and training.init_from={run.path}" if run.newest_checkpoint() else ""
    return TrainingError(
        f"training stopped at step {step}: {subject} no longer finite; "
        f"{run.describe_last_checkpoint()}. Try a new run with a lower learning_rate "
        f"(model.optimizer.learning_rate){precision}{init_from}"
    )


def _system_error_code(error: BaseException | None) -> int | None:
    """The errno of the system error that caused `error`, or None if there is none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        hdf5_code = re.search(r"errno = (\d+)", str(error))
        if hdf5_code:
            return int(hdf5_code[1])
        if isinstance(error, tf.errors.OpError):  # its text ends with the system's message
            known = (*_FULL, *_READ_ONLY, errno.EIO, errno.ENOENT)
            code = next((code for code in known if os.strerror(code) in str(error)), None)
            if code is not None:
                return code
        error = error.__cause__ or error.__context__
    return None


def _suggestion(code: int) -> str:
    if code in _FULL:
        return "Free space there"
    if code in _READ_ONLY:
        return "Make the folder writable"
    return "Check the folder"
