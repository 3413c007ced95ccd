"""scripts/bench_tiles: what it keeps when it is stopped, what it refuses and what it shows."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bench(monkeypatch):
    """The module of scripts/, gone again afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import bench_tiles

    yield bench_tiles
    sys.modules.pop("bench_tiles", None)


@dataclass
class _Hungry:
    """Stands in for a way: notes each call, works for some 0.2 s and holds 100 MB."""

    code: str = "b'x' * 100_000_000; import time\nwhile time.process_time() < 0.2: pass"

    def place(self, folder):
        return folder / "way"

    def command(self, folder):
        note = f"import pathlib; p = pathlib.Path({str(folder)!r})\n(p / 'way').mkdir()\n"
        note += "open(p / 'calls', 'a').write('x')\n"
        return [sys.executable, "-c", note + f"held = {self.code}"]


def test_a_way_is_measured_in_a_process_of_its_own_and_only_once(bench, tmp_path):
    (tmp_path / "way").mkdir()  # of a call that was stopped
    costs = bench.measured(tmp_path, _Hungry())
    assert costs["CPU seconds"] > 0.2
    assert 100e6 / 2**20 < costs["peak MB"] < 200  # none of what this process holds
    assert bench.measured(tmp_path, _Hungry()) == costs
    assert (tmp_path / "calls").read_text() == "x"


def test_ways_follow_those_they_aim_at(bench):
    ways = list(bench._ways((64, 48)))
    names = [way.name for way in ways]
    assert names[:4] == ["live, whole in Keras", "live, overlap 0", "live, overlap 12",
                         "live, overlap 24"]  # fmt: skip
    assert len(set(names)) == len(names) == 11  # given norms aim at the live whole image
    for at, way in enumerate(ways):
        assert way.aim in names[: at + 1]


def test_a_folder_of_another_image_is_refused(bench, tmp_path, capsys):
    asked = {"run": "runs/a", "signature": "a_to_b", "size": [640, 480]}
    bench.check_same(tmp_path / "new", asked)
    bench.check_same(tmp_path / "new", json.loads(json.dumps(asked)))
    (tmp_path / "taken").write_text("")
    for folder, said in (("new", "was begun with"), (".", "holds something else")):
        with pytest.raises(SystemExit) as ended:
            bench.check_same(tmp_path / folder, asked | {"size": [320, 320]})
        assert ended.value.code == 2
        assert said in capsys.readouterr().err


def test_the_crop_that_differs_most_is_found(bench):
    whole = np.zeros((3 * bench.CROP + 5, 4 * bench.CROP, 3), np.uint8)
    made = whole.copy()
    made[bench.CROP + 3, 2 * bench.CROP + 7] = 200
    made[-2:] = 255  # outside all crops
    assert bench._furthest(made, whole) == (bench.CROP, 2 * bench.CROP)
