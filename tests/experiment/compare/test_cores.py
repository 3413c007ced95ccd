"""Cores of cells: each is held once."""

import os

import pytest

from tf_translate.experiment.compare import cores

pytestmark = pytest.mark.skipif(not cores.can_pin(), reason="this system cannot pin processes")


def test_a_core_is_taken_once_until_it_is_released(monkeypatch, tmp_path):
    monkeypatch.setattr(cores.tempfile, "gettempdir", lambda: str(tmp_path))
    taken = [cores.free_core() for _ in range(cores.count_cores())]
    assert {each.index for each in taken} == os.sched_getaffinity(0)
    assert cores.free_core() is None
    taken[0].release()
    taken[0].release()  # safe to call twice
    again = cores.free_core()
    assert again is not None
    assert again.index == taken[0].index
