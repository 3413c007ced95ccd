"""`export` that is ended by Ctrl-C or SIGTERM, as a real process at several moments."""

import itertools
import os
import signal
import subprocess
import sys
import time

import keras
import pytest

COMMAND = (sys.executable, "-c", "from tf_translate.cli.main import run; run()")
FOLDERS = ("bundles", "temporary")
WAIT = 120  # seconds; machines of tests are shared


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """A network whose export takes seconds."""
    layers = [keras.layers.Conv2D(16, 3, padding="same") for _ in range(6)]
    network = keras.Sequential([keras.Input((64, 64, 3)), *layers])
    network.add(keras.layers.Conv2D(3, 3, padding="same", activation="tanh"))
    file = tmp_path_factory.mktemp("generator") / "generator.keras"
    network.save(file)
    return file


def _start(generator, folder):
    (folder / "temporary").mkdir()
    return subprocess.Popen(
        [*COMMAND, "export", generator, "--bundle", folder / "bundles" / "new" / "bundle"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # TensorFlow's AutoGraph leaves compiled files there, unless Python writes none.
        env=os.environ | {"TMPDIR": str(folder / "temporary"), "PYTHONDONTWRITEBYTECODE": ""},
        start_new_session=True,
        preexec_fn=_take_ctrl_c,
    )


def _take_ctrl_c():
    """Children of a background job of a shell ignore Ctrl-C by default."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _written(folder):
    """Everything that the command has written, by its path."""
    return sorted(
        str(path.relative_to(folder)) for name in FOLDERS for path in (folder / name).rglob("*")
    )


def _wait_for(process, condition):
    end = time.monotonic() + WAIT
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)


def _partial(folder, name):
    """Whether a file of the unfinished bundle exists; its temporary folder for an empty name."""
    found = list((folder / "bundles").glob(f"new/.bundle.*.partial/{name}"))
    return bool(found if name else list((folder / "bundles").glob("new/.bundle.*.partial")))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("float32.tflite", signal.SIGTERM),
        *(
            pytest.param(moment, number, marks=pytest.mark.slow)
            for moment, number in (
                ("float32.tflite", signal.SIGINT),
                ("saved_model/saved_model.pb", signal.SIGINT),
                ("card.md", signal.SIGTERM),
                *itertools.product(("", "golden.npz"), (signal.SIGINT, signal.SIGTERM)),
            )
        ),
    ],
)
def test_an_interrupted_export_leaves_nothing_behind(generator, tmp_path, moment, number):
    process = _start(generator, tmp_path)
    try:
        _wait_for(process, lambda: _partial(tmp_path, moment))
        process.send_signal(number)
        time.sleep(0.05)
        process.send_signal(number)  # impatient users do
        out, error = process.communicate(timeout=WAIT)
    finally:
        process.kill()
    assert process.returncode == 128 + number, error
    assert "Traceback" not in error
    assert "bundle:" not in out
    assert _written(tmp_path) == []
    assert not (tmp_path / "bundles").exists()


@pytest.mark.slow
def test_an_empty_folder_that_was_there_is_still_there(generator, tmp_path):
    (tmp_path / "bundles" / "new" / "bundle").mkdir(parents=True)
    process = _start(generator, tmp_path)
    try:
        _wait_for(process, lambda: _partial(tmp_path, "golden.npz"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT)
    finally:
        process.kill()
    assert process.returncode == 143
    assert _written(tmp_path) == ["bundles/new", "bundles/new/bundle"]


IN_A_DESTRUCTOR = """
import os, signal, sys
from tf_translate.cli.interruption import removing_unfinished_work

class Slow:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(100_000))  # the signal's exception is raised here, where Python ignores it

with removing_unfinished_work():
    try:
        Slow()
        for _ in range(10_000_000):
            pass
        print("went on")
    finally:
        print("removed")
"""


def test_a_signal_in_a_destructor_ends_the_command_too():
    done = subprocess.run(
        [sys.executable, "-c", IN_A_DESTRUCTOR], capture_output=True, text=True, timeout=WAIT
    )
    assert (done.returncode, done.stdout, done.stderr) == (143, "removed\n", "")


CAUGHT_BY_OTHERS = """
import os, signal, time
from tf_translate.cli.interruption import removing_unfinished_work

with removing_unfinished_work():
    try:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except BaseException:  # as code that calls back from C may do, longer than a check
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                pass
        time.sleep(60)
        print("went on")
    finally:
        os.kill(os.getpid(), signal.SIGINT)  # an impatient user, during the removal
        time.sleep(0.5)
        print("removed")
"""


def test_a_signal_that_other_code_catches_ends_the_command_too():
    done = subprocess.run(
        [sys.executable, "-c", CAUGHT_BY_OTHERS],
        capture_output=True,
        text=True,
        timeout=30,
        preexec_fn=_take_ctrl_c,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "removed\n", "")


REPLACED_BY_OTHERS = """
import os, signal, time
from tf_translate.cli.interruption import removing_unfinished_work

with removing_unfinished_work():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    except SystemExit:  # as pybind11 does while it makes an exception
        raise RuntimeError("REPLACED BY SystemExit") from None
"""


def test_a_signal_whose_exit_other_code_replaces_ends_the_command_too():
    done = subprocess.run(
        [sys.executable, "-c", REPLACED_BY_OTHERS], capture_output=True, text=True, timeout=WAIT
    )
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")
