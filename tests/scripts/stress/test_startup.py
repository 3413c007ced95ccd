"""scripts/measure_startup: parts by hand, and one real start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.results.test_results import check_startup

ROOT = Path(__file__).parents[3]


@pytest.fixture
def startup(monkeypatch):
    """The script's module, gone again afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import measure_startup

    yield measure_startup
    for name in ("measure_startup", "kill_runs_jobs", "machine", "whole_number"):
        sys.modules.pop(name, None)


def run_of(slower):
    """A run that was asked for at 100 s; its first step ends `slower` s after the tenth second."""
    ends = {"asked for": 100.0, "import": 104.0, "data": 104.5, "build": 106.0, "run": 106.25}
    steps = {f"step {n}": 110.0 + slower + 0.25 * (n - 1) for n in range(1, 12)}
    return [
        {"part": part, "clock": at, "processor": (at - 100.0) / 2}
        for part, at in {**ends, **steps}.items()
    ]


def test_a_part_takes_from_the_end_of_the_one_before_to_its_own(startup):
    told = startup.medians([run_of(0.0), run_of(1.0), run_of(5.0)])
    assert told == {
        "import": 4.0,
        "data": 0.5,
        "build": 1.5,
        "run": 0.25,
        "first step": 4.75,  # of 3.75, 4.75 and 8.75
        "in all": 11.0,
        "step": 0.25,
        "processor, in all": 5.5,
    }


def test_a_start_is_measured(tmp_path, startup):
    folder = tmp_path / "startup"
    command = [sys.executable, ROOT / "scripts" / "measure_startup.py", "--folder", folder]
    done = subprocess.run(
        [*command, "--method", "pix2pix", "--repeats", "1"],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((folder / "measure_startup.json").read_text())
    check_startup(result)
    assert all(seconds > 0 for seconds in result["startup"]["pix2pix"].values())
    import result_tables

    assert "| pix2pix | " in result_tables.table(result)
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 1
    assert "--folder must be new" in again.stderr
