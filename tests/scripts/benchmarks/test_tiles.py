"""scripts/bench tiles: what it keeps after an interruption, what it refuses and what it shows."""

import json
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from scripts.benchmarks import tiles


@dataclass
class _Expensive:
    """Replaces a variant: records each call, works for about 0.2 s and holds 100 MB."""

    code: str = "b'x' * 100_000_000; import time\nwhile time.process_time() < 0.2: pass"

    def output_folder(self, folder):
        return folder / "output"

    def command(self, folder):
        record = f"import pathlib; p = pathlib.Path({str(folder)!r})\n(p / 'output').mkdir()\n"
        record += "open(p / 'calls', 'a').write('x')\n"
        return [sys.executable, "-c", record + f"held = {self.code}"]


def test_each_variant_is_measured_once_and_in_its_own_process(tmp_path):
    (tmp_path / "output").mkdir()  # left by an interrupted call
    costs = tiles.measured(tmp_path, _Expensive())
    assert costs["CPU seconds"] > 0.2
    assert 100e6 / 2**20 < costs["peak MB"] < 200  # without the memory of this process
    assert tiles.measured(tmp_path, _Expensive()) == costs
    assert (tmp_path / "calls").read_text() == "x"


def test_every_variant_comes_after_its_reference():
    variants = list(tiles._variants((64, 48)))
    names = [variant.name for variant in variants]
    assert names[:4] == ["live, whole in Keras", "live, overlap 0", "live, overlap 12",
                         "live, overlap 24"]  # fmt: skip
    assert len(set(names)) == len(names) == 11  # "norm inputs" has no whole image
    for index, variant in enumerate(variants):
        assert variant.reference in names[: index + 1]


def test_a_folder_of_other_options_is_refused(tmp_path, capsys):
    options = {"run": "runs/a", "signature": "a_to_b", "size": [640, 480]}
    tiles.check_same(tmp_path / "new", options)
    tiles.check_same(tmp_path / "new", json.loads(json.dumps(options)))
    (tmp_path / "other").write_text("")
    for folder, message in (("new", "was started with"), (".", "holds something else")):
        with pytest.raises(SystemExit) as ended:
            tiles.check_same(tmp_path / folder, options | {"size": [320, 320]})
        assert ended.value.code == 2
        assert message in capsys.readouterr().err


def test_the_crop_with_the_largest_difference_is_shown():
    whole = np.zeros((3 * tiles.CROP + 5, 4 * tiles.CROP, 3), np.uint8)
    tiled = whole.copy()
    tiled[tiles.CROP + 3, 2 * tiles.CROP + 7] = 200
    tiled[-2:] = 255  # outside all crops
    assert tiles._furthest(tiled, whole) == (tiles.CROP, 2 * tiles.CROP)
