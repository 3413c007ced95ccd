"""One writer for a run: a lock on a file in it, which the system frees when its process ends."""

import contextlib
import datetime
import errno
import json
import os
import socket
from collections.abc import Callable, Iterator
from io import BufferedRandom

from tf_translate.errors import RunError
from tf_translate.training.run_dir import RunDir

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Network disks that map `flock` to `fcntl` locks report a held lock as EACCES.
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}


@contextlib.contextmanager
def single_writer(run: RunDir, report: Callable[[str], None]) -> Iterator[None]:
    """Makes this process the only one that trains a run.

    Reading the run, as `evaluate` and `export` do, needs no lock. The lock is `flock` on
    `RUN/lock`: the system frees it when the process ends, however it ends. The file stays; it says
    who holds the lock.

    On a local disk, processes of this host exclude each other. On a network disk, processes of
    several hosts do only if the disk supports such locks between hosts (NFS 4 does, unless it is
    mounted with local locks), and the lock of a host that crashed is freed only when the server
    notices. If the disk has no locks, that is reported and training goes on.

    Args:
        run: The run; its folder is created if it is missing.
        report: Called with a sentence if the disk has no locks.

    Raises:
        RunError: If another process trains the run, or the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            run.path.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(run.lock.open("a+b"))
        except OSError as error:
            raise run.unwritable(error.strerror or str(error)) from error
        if _acquire(run, file, report):
            _write_holder(file)
            stack.callback(file.truncate, 0)  # before the file is closed, which frees the lock
        yield


def _acquire(run: RunDir, file: BufferedRandom, report: Callable[[str], None]) -> bool:
    """Takes the lock; False if there are no locks here."""
    reason = "this system has none"
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise _held_by_another(run) from error
            reason = error.strerror or str(error)
        else:
            return True
    report(
        f"{run.path} is not protected by a lock ({reason}): make sure that no other process trains "
        "this run"
    )
    return False


def _write_holder(file: BufferedRandom) -> None:
    now = datetime.datetime.now(datetime.UTC)
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": now.strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    file.truncate(0)
    file.write(json.dumps(holder).encode() + b"\n")
    file.flush()


def _held_by_another(run: RunDir) -> RunError:
    try:
        holder = json.loads(run.lock.read_bytes())
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has not written its name yet
        who = "another process"
    return RunError(
        f"{run.path} is being trained by {who}; wait until it has ended, stop it, or choose "
        "another --run"
    )
