"""scripts/bench memory: its metrics by hand, and small measurements by steps and by files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts.results.tables import table
from scripts.stress import memory, memory_files
from tests.scripts.results.test_results import check_files, check_memory

ROOT = Path(__file__).parents[3]


def measured(folder, *options):
    """The result that the script writes."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.stress.memory", "--folder", folder, *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "measure_memory.json").read_text())


def test_kib_per_step_are_fitted_after_the_first_tenth_of_the_steps():
    # A warm-up to 900 KiB by step 50; from step 100 on half a KiB per step.
    pairs = [(10, 500), (50, 900), *((step, 1000 + step / 2) for step in range(100, 1001, 100))]
    metrics = memory.metrics(np.array(pairs))
    assert metrics["kib_per_step"] == 0.5
    assert metrics["mib_after_warm_up"] == round(1050 / 1024, 1)
    assert metrics["mib_at_end"] == round(1500 / 1024, 1)


def test_the_requested_number_of_files_is_written(tmp_path):
    folder = memory_files.write_files(tmp_path / "files", 501)
    for side, count in (("a", 251), ("b", 250)):
        files = list((folder / f"train{side.upper()}").iterdir())
        assert len(files) == count
        assert len({file.stat().st_ino for file in files}) == memory_files.DIFFERENT


@pytest.mark.slow
def test_memory_is_measured_by_steps(tmp_path):
    result = measured(tmp_path / "steps", "--steps", "300")
    check_memory(result)
    assert result["rows"][0]["kib"] > 100_000, "TensorFlow alone takes more"
    assert (tmp_path / "steps" / "measure_memory.png").is_file()


@pytest.mark.slow
def test_memory_is_measured_by_files(tmp_path):
    result = measured(tmp_path / "files", "--files", "1001", "--steps", "20")
    check_files(result)
    assert "| none | " in table(result)
    for row in result["files"].values():
        assert row["MiB, maximum"] > 100
