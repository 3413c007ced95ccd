"""Cores of cells: each is held once."""

import os
import subprocess

import pytest

from tf_translate.experiment.compare import cores

pytestmark = pytest.mark.skipif(not cores.can_pin(), reason="this system cannot pin processes")


def test_a_core_is_taken_once_until_it_is_released(monkeypatch, tmp_path):
    monkeypatch.setattr(cores.tempfile, "gettempdir", lambda: str(tmp_path))
    taken = [cores.free_core() for _ in range(cores.count_cores())]
    assert {each.index for each in taken} == os.sched_getaffinity(0)
    assert cores.free_core() is None
    assert cores.holders() == [os.getpid()]
    taken[0].release()
    taken[0].release()  # safe to call twice
    again = cores.free_core()
    assert again is not None
    assert again.index == taken[0].index


def test_a_process_that_ended_holds_no_core(monkeypatch, tmp_path):
    monkeypatch.setattr(cores.tempfile, "gettempdir", lambda: str(tmp_path))
    core = cores.free_core()
    file = tmp_path / f"tf_translate-{os.getuid()}-core-{core.index}"
    with subprocess.Popen(["true"]) as ended:
        pass
    file.write_text(str(ended.pid))
    assert cores.holders() == []
    core.release()


def test_a_core_is_held_while_a_process_that_inherited_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(cores.tempfile, "gettempdir", lambda: str(tmp_path))
    core = cores.free_core()
    with subprocess.Popen(["sleep", "60"], pass_fds=core.inherited) as process:
        core.release()  # as if the comparison had been killed
        taken = [each for each in (cores.free_core() for _ in range(cores.count_cores())) if each]
        assert core.index not in {each.index for each in taken}
        process.kill()
    for each in taken:
        each.release()
    again = cores.free_core()
    assert again.index == core.index
    again.release()
