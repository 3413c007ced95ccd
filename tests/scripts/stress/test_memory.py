"""scripts/measure_memory: the gradient by hand, and small measurements by steps and by files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.scripts.results.test_results import check_files, check_memory

ROOT = Path(__file__).parents[3]


@pytest.fixture
def scripts(monkeypatch):
    """The scripts' modules, gone again afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yield
    for name in ("kill_runs_jobs", "machine", "measure_memory", "measure_memory_files",
                 "result_tables", "whole_number"):  # fmt: skip
        if name not in before:
            sys.modules.pop(name, None)


def measured(folder, *more):
    """What the script writes."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "measure_memory.py", "--folder", folder, *more],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "measure_memory.json").read_text())


def test_the_gradient_is_that_of_the_steps_after_a_tenth(scripts):
    import measure_memory

    # Warming up to 900 KiB by step 50; from 100 on half a KiB a step.
    seen = [(10, 500), (50, 900), *((step, 1000 + step / 2) for step in range(100, 1001, 100))]
    told = measure_memory.metrics(np.array(seen))
    assert told["kib_per_step"] == 0.5
    assert told["mib_after_warming_up"] == round(1050 / 1024, 1)
    assert told["mib_at_the_end"] == round(1500 / 1024, 1)


def test_files_are_written_as_often_as_asked_for(scripts, tmp_path):
    import measure_memory_files

    folder = measure_memory_files.write_files(tmp_path / "files", 501)
    for side, count in (("a", 251), ("b", 250)):
        files = list((folder / f"train{side.upper()}").iterdir())
        assert len(files) == count
        assert len({file.stat().st_ino for file in files}) == measure_memory_files.DIFFERENT


def test_memory_is_measured_by_steps(scripts, tmp_path):
    result = measured(tmp_path / "steps", "--steps", "300")
    check_memory(result)
    assert result["rows"][0]["kib"] > 100_000, "TensorFlow alone takes more"
    assert (tmp_path / "steps" / "measure_memory.png").is_file()


def test_memory_is_measured_by_files(scripts, tmp_path):
    import result_tables

    result = measured(tmp_path / "files", "--files", "1001", "--steps", "20")
    check_files(result)
    assert "| none | " in result_tables.table(result)
    for row in result["files"].values():
        assert row["MiB at most"] > 100
