"""scripts/bench startup: parts by hand, and one real start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.results.tables import table
from scripts.stress import startup
from tests.scripts.results.test_results import check_startup

ROOT = Path(__file__).parents[3]


def run_of(delay):
    """A run whose command comes at 100 s and whose first step ends at 110 s plus a delay."""
    ends = {"command": 100.0, "import": 104.0, "data": 104.5, "build": 106.0, "run": 106.25}
    steps = {f"step {n}": 110.0 + delay + 0.25 * (n - 1) for n in range(1, 12)}
    return [
        {"part": part, "clock": at, "processor": (at - 100.0) / 2}
        for part, at in {**ends, **steps}.items()
    ]


def test_a_part_lasts_from_the_end_of_the_previous_part_to_its_own_end():
    seconds = startup.medians([run_of(0.0), run_of(1.0), run_of(5.0)])
    assert seconds == {
        "import": 4.0,
        "data": 0.5,
        "build": 1.5,
        "run": 0.25,
        "first step": 4.75,  # the median of 3.75, 4.75 and 8.75
        "total": 11.0,
        "step": 0.25,
        "processor, total": 5.5,
    }


@pytest.mark.slow
def test_a_real_start_is_measured(tmp_path):
    folder = tmp_path / "startup"
    command = [sys.executable, "-m", "scripts.stress.startup", "--folder", folder]
    done = subprocess.run(
        [*command, "--method", "pix2pix", "--repeats", "1"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((folder / "measure_startup.json").read_text())
    check_startup(result)
    assert all(seconds > 0 for seconds in result["startup"]["pix2pix"].values())
    assert "| pix2pix | " in table(result)
    again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert again.returncode == 1
    assert "--folder must be new" in again.stderr
