"""The stress test of tables and packed data sets, with few of them."""

import json
import random
import shutil

import pytest

from scripts.fuzz import tables as fuzz_tables
from scripts.fuzz.table_inputs import BASES, mutate


@pytest.mark.parametrize("name", ["faces_csv", "celeba", "shards"])
def test_the_same_seed_makes_the_same_changes(tmp_path, name):
    base = BASES[name]
    base.write(tmp_path / "base")
    files = []
    for copy in ("one", "two"):
        target = tmp_path / copy
        shutil.copytree(tmp_path / "base", target, symlinks=True, ignore=fuzz_tables.not_copied)
        changed = mutate(random.Random("0:1"), base, target)
        contents = {
            path.relative_to(target): path.read_bytes()
            for path in target.rglob("*")
            if path.is_file()
        }
        files.append((changed, contents))
    assert files[0] == files[1]


@pytest.mark.slow
def test_every_valid_data_set_is_opened_and_every_change_ends_in_words(tmp_path):
    count = 2 * len(BASES)
    assert fuzz_tables.main(["--count", str(count), "--folder", str(tmp_path / "fuzz")]) == 0
    result = json.loads((tmp_path / "fuzz" / "fuzz_tables.json").read_text())
    counts = result["counts"]
    assert counts["tried"] == counts["opened"] + counts["refused"] == count
    assert counts["opened"] >= len(BASES)
    assert not any(counts[name] for name in ("tracebacks", "signals", "hangs", "files_outside"))
    assert [path.name for path in (tmp_path / "fuzz").iterdir()] == ["fuzz_tables.json"]
