"""The child process: what it computes is received, and however it ends, a sentence says so."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import exporters
from exporters import ExportError, IsolatedRunner, Limits, ModelError, Runner, open_bundle
from exporters.untrusted.model_process import ModelProcess, ending
from tests.exporters.fakes import noise

IMAGE = noise(1, 8, 12, 3)


@pytest.fixture(scope="module")
def runner(small):
    with IsolatedRunner(open_bundle(small)) as runner:
        yield runner


def test_a_runner_is_started_later_if_asked_for(small):
    before = _children()
    with IsolatedRunner(open_bundle(small), start=False) as runner:
        assert "a_to_b" in runner.signatures
        with pytest.raises(ExportError, match=r"call start\(\) before run\(\)"):
            runner.run("a_to_b", {"image": IMAGE})
        assert _children() == before
        runner.start()
        assert runner.run("a_to_b", {"image": IMAGE})["image"].shape == IMAGE.shape
        assert len(_children()) == len(before) + 1


def _children():
    """Process ids of the children that run models."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"model_process_child" in command:
            found.append(int(status.parent.name))
    return found


def test_outputs_and_signatures_are_those_of_a_runner(runner, small):
    direct = Runner(open_bundle(small))
    assert runner.signatures == direct.signatures
    assert (runner.recipe, runner.aspect) == (direct.recipe, direct.aspect)
    for name, image in (("a_to_b", IMAGE), ("a_to_b_uint8", np.zeros((1, 8, 12, 3), np.uint8))):
        expected = direct.run(name, {"image": image})["image"]
        found = runner.run(name, {"image": image})["image"]
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_one_child_runs_all_images(runner):
    runner.run("a_to_b", {"image": IMAGE})
    before = _children()
    for _ in range(20):
        runner.run("a_to_b", {"image": IMAGE})
    assert _children() == before


def test_inputs_that_do_not_fit_are_mistakes_and_the_child_goes_on(runner):
    with pytest.raises(ExportError, match=r"must be float32 \(1, 8, 12, 3\), got float32") as error:
        runner.run("a_to_b", {"image": IMAGE[:, :4]})
    assert not isinstance(error.value, ModelError)
    with pytest.raises(ExportError, match="there is no signature 'b_to_a'"):
        runner.run("b_to_a", {"image": IMAGE})
    runner.run("a_to_b", {"image": IMAGE})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "int8"}, "holds no model of recipe 'int8'; it holds float32"),
        ({"threads": 0}, "`threads` must be at least 1, got 0"),
    ],
)
def test_impossible_runners_are_refused(small, options, message):
    with pytest.raises(ExportError, match=message):
        IsolatedRunner(open_bundle(small), **options)


@pytest.mark.parametrize("name", ["seconds", "memory_gb"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_limits_are_refused(name, value):
    with pytest.raises(ExportError, match=f"`{name}` of limits must be a number above 0"):
        Limits(**{name: value})


def test_a_child_that_is_killed_is_told_by_its_signal(small):
    with IsolatedRunner(open_bundle(small)) as runner:
        known = set(_children())
        runner.run("a_to_b", {"image": IMAGE})
        (child,) = set(_children()) & known - {0} if len(known) == 1 else [max(known)]
        os.kill(child, signal.SIGSEGV)
        with pytest.raises(ModelError, match=r"float32\.tflite: its process was ended by SIGSEGV"):
            runner.run("a_to_b", {"image": IMAGE})
        with pytest.raises(ModelError, match="is not open; its process ended before"):
            runner.run("a_to_b", {"image": IMAGE})


def test_a_late_child_is_stopped(small):
    start = time.monotonic()
    with pytest.raises(ModelError, match=r"no result after 1e-06 seconds .* --time-limit"):
        IsolatedRunner(open_bundle(small), limits=Limits(seconds=1e-6))
    assert time.monotonic() - start < 60


def test_an_exit_code_of_0_is_no_result():
    assert ending(0, Limits()) == "its process ended without a result (exit code 0)"
    assert ending(-11, Limits()) == "its process was ended by SIGSEGV"
    assert "SIGABRT, as when a model takes more memory than the 4 GB" in ending(-6, Limits())
    assert ending(-99, Limits()) == "its process was ended by signal 99"


def test_a_refused_model_is_named(copy):
    (copy / "float32.tflite").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"float32\.tflite has 8 bytes where the manifest says"):
        IsolatedRunner(open_bundle(copy))


def test_a_child_ends_with_the_command_that_started_it(small):
    program = (
        "import os, exporters\n"
        f"runner = exporters.IsolatedRunner(exporters.open_bundle({str(small)!r}))\n"
        "print(runner._process._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    child = Path("/proc") / done.stdout.strip()
    for _ in range(100):
        if not child.exists():
            return
        time.sleep(0.1)
    pytest.fail("the child is still there")


def test_a_module_of_a_bundle_is_not_imported(small, tmp_path, monkeypatch):
    """A bundle may hold numpy.py, and be the current folder."""
    folder = shutil.copytree(small, tmp_path / "bundle")
    for name in ("numpy.py", "json.py", "exporters.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'written')!r}, 'w')")
    monkeypatch.chdir(folder)
    with IsolatedRunner(open_bundle(".")) as runner:
        np.testing.assert_array_equal(runner.run("a_to_b", {"image": IMAGE})["image"], -IMAGE)
    assert exporters.benchmark(".", threads=[1], runs=1)
    assert not (tmp_path / "written").exists()


def test_a_child_writes_no_file_and_takes_no_more_memory_than_its_limit(tmp_path):
    program = (
        "import numpy\n"
        "from exporters import Limits\n"
        "Limits(memory_gb=0.2).restrict_this_process()\n"
        "numpy.ones(10**7)\n"
        "try: numpy.ones(10**8)\n"
        "except MemoryError: print('no memory')\n"
        f"try: open({str(tmp_path / 'file')!r}, 'w').write('x' * 9999)\n"
        "except OSError: print('no file')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["no memory", "no file"], done.stderr
    assert not (tmp_path / "file").stat().st_size


def test_a_process_that_sends_nonsense_is_refused(small):
    with ModelProcess(Limits()) as process:
        request = {"do": "open", "bundle": str(small), "artifact": "float32", "threads": 1}
        process.ask("float32.tflite", request)
        run = {"do": "run", "artifact": "float32", "signature": "a_to_b"}
        with pytest.raises(ModelError, match="sent no valid result; do not use this file"):
            process.ask("float32.tflite", run, {"image": IMAGE}, {"image": ((1, 1), "float32")})
        assert process._process is None, "the child is stopped"
