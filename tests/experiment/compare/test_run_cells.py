"""Cells as processes: what is said while none can start."""

import os
import signal

from tests.experiment.compare.cells.shipped import comparison_on
from tf_translate.experiment.compare import run_cells


def test_it_says_once_that_all_cores_are_held_and_ctrl_c_ends_the_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(run_cells, "free_core", lambda: None)
    monkeypatch.setattr(run_cells, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(run_cells, "holders", lambda: [12, 34])
    cell = comparison_on("paired", run=tmp_path, data=tmp_path).cell("pix2pix", 0)
    lines, rounds = [], []

    def show(cells):
        rounds.append([each.state for each in cells])
        if len(rounds) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    found, interrupted = run_cells.run_cells(
        [cell], jobs=1, finish=lambda *_: None, show=show, report=lines.append
    )
    assert interrupted
    assert found[0].state == run_cells.WAITING
    assert len(lines) == 1
    assert lines[0].startswith("all cores are held by other comparisons (process 12, 34), or by")
