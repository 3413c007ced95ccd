"""Models that crash, hang or fill the memory: each command says so in a sentence and exits 1."""

import itertools
import re
import resource
import time

import numpy as np
import pytest
from PIL import Image

from tests.cli.hostile.forging import LITE, signed
from tests.exporters.untrusted.crashing import CRASHING, doubles, harmless
from tests.marks import slow_but

KILOBYTES = 2_000_000
COMMANDS = ("verify", "lint", "translate", "benchmark")


@pytest.fixture
def call(command, tmp_path):
    """Calls a command on a bundle; checks that it fails in one sentence, soon, in little memory."""
    image = tmp_path / "image.png"
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(image)
    options = {
        "translate": (image, "--output", tmp_path / "out"),
        "benchmark": ("--threads", "1", "--runs", "1"),
    }

    def fails(name, bundle, *more):
        start = time.monotonic()
        code, out, error = command(name, bundle, *options.get(name, ()), *more)
        assert code == 1, out + error
        assert "Traceback" not in out + error
        assert time.monotonic() - start < 60, "seconds"
        assert not (tmp_path / "out").exists()
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < KILOBYTES
        if name != "verify":  # which prints its table too
            assert error.count("error:") == 1
        return " ".join((out + error).split())

    return fails


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("case", "name"),
    # Every command starts the same child process: CI tries each model and each command.
    slow_but(
        itertools.product(CRASHING, COMMANDS),
        *((case, "verify") for case in CRASHING),
        *(("a loop without end", name) for name in COMMANDS),
    ),
)
def test_models_that_crash_are_refused_by_every_command(bundle, call, case, name):
    make, sentence = CRASHING[case]
    signed(LITE, lambda _: make())(bundle)
    assert any(part in call(name, bundle) for part in sentence.split("|"))


@pytest.mark.parametrize("name", ["verify", "lint", "benchmark"])  # `translate` runs pixels
def test_a_model_that_takes_memory_when_it_is_run_ends_its_process_only(bundle, call, name):
    """It declares small tensors; what it computes would take 300 TB."""
    signed(LITE, lambda _: doubles(38))(bundle)
    printed = call(name, bundle, "--memory-limit", "0.5", "--time-limit", "30")
    assert LITE in printed or str(bundle) in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_a_model_that_is_slow_is_stopped(bundle, call, name):
    printed = call(name, bundle, "--time-limit", "0.000001")
    assert re.search(r"there was no result after \de-06 seconds", printed)
    assert "allow more by --time-limit" in printed


def test_limits_that_are_none_are_mistakes(bundle, command):
    for option in ("--time-limit", "--memory-limit"):
        code, _, error = command("lint", bundle, option, "0")
        assert code == 2
        assert f"{option} must be a number above 0, got 0" in error


def test_a_harmless_model_built_by_hand_passes(bundle, command):
    """So the others are refused for what they do, not for how they are built."""
    signed(LITE, lambda _: harmless())(bundle)
    code, out, _ = command("lint", bundle)
    assert code == 0, out
