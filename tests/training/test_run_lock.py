"""One writer for a run, with real processes."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tf_translate.errors import RunError
from tf_translate.training import run_lock
from tf_translate.training.run_dir import RunDir
from tf_translate.training.run_lock import single_writer

# Loads no TensorFlow, so that each process starts fast.
HOLD = """
import sys, time
from tf_translate.training.run_dir import RunDir
from tf_translate.training.run_lock import single_writer
with single_writer(RunDir(sys.argv[1]), print):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that trains the run at tmp_path / "r"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "r"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_writer_is_told_who_holds_the_run(tmp_path, holder):
    run = RunDir(tmp_path / "r")
    since = json.loads(run.lock.read_text())["since"]
    with pytest.raises(RunError) as error, single_writer(run, pytest.fail):
        pytest.fail("locked twice")
    assert str(error.value) == (
        f"{run.path} is being trained by process {holder.pid} on {socket.gethostname()} since "
        f"{since}; wait until it has ended, stop it, or choose another --run"
    )
    assert since.endswith(" UTC")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_crash_leaves_the_run_free(tmp_path, holder, how):
    holder.send_signal(how)
    holder.wait()
    run = RunDir(tmp_path / "r")
    with single_writer(run, pytest.fail):
        assert json.loads(run.lock.read_text())["pid"] == os.getpid()
    assert run.lock.read_text() == ""


def test_one_process_cannot_lock_a_run_twice_but_can_lock_it_again(tmp_path):
    run = RunDir(tmp_path / "r")
    for _ in range(2):
        with (
            single_writer(run, pytest.fail),
            pytest.raises(RunError, match=f"trained by process {os.getpid()} on "),
            single_writer(run, pytest.fail),
        ):
            pytest.fail("locked twice")


def test_a_folder_with_only_a_lock_is_free_for_a_new_run(tmp_path):
    with single_writer(RunDir(tmp_path / "r"), pytest.fail):
        RunDir.create(tmp_path / "r", {"method": "x"})


def test_without_locks_training_goes_on_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "fcntl", None)  # as on Windows
    said = []
    with (
        single_writer(RunDir(tmp_path / "r"), said.append),
        single_writer(RunDir(tmp_path / "r"), said.append),
    ):
        pass
    assert (
        said
        == [
            f"{tmp_path / 'r'} is not protected by a lock (this system has none): make sure that "
            "no other process trains this run"
        ]
        * 2
    )
