"""The stress test of bundles, with few of them."""

import json
import random
import shutil
import subprocess
import sys

import pytest

import exporters
from scripts.benchmarks.machine import with_root_on_path
from scripts.fuzz.bundle_mutations import MUTATIONS, sign_files
from scripts.fuzz.bundles import counts
from tests.exporters.fakes import negative


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "bundle"
    return exporters.export({"a_to_b": negative()}, folder, keep_saved_model=False)


@pytest.mark.parametrize(
    "kind", [kind for kind, (_, saved_model, _) in MUTATIONS.items() if not saved_model]
)
def test_the_same_seed_makes_the_same_changes(bundle, tmp_path, kind):
    change, _, is_signed = MUTATIONS[kind]
    contents = []
    for name in ("one", "two"):
        copy = shutil.copytree(bundle, tmp_path / name)
        change(copy, random.Random("0/1"))
        if is_signed:
            sign_files(copy)
        files = [path for path in copy.rglob("*") if path.is_file()]
        contents.append({path.relative_to(copy): path.read_bytes() for path in files})
    before = {path.relative_to(bundle): path.read_bytes() for path in bundle.rglob("*.*")}
    assert contents[0].keys() == contents[1].keys()
    assert contents[0] != before
    if "members" not in kind:  # a zip file holds the time
        assert contents[0] == contents[1]


def test_hangs_and_files_outside_are_counted_beside_the_outcome():
    rows = [
        {"outcome": "refused", "seconds": 61.0, "outside": []},
        {"outcome": "passed", "seconds": 1.0, "outside": ["/tmp/x"]},
        {"outcome": "signal", "seconds": 0.0, "outside": []},
    ]
    assert counts(rows) == {
        "tried": 3, "refused": 1, "passed": 1, "tracebacks": 0, "signals": 1, "hangs": 1,
        "files_outside": 1,
    }  # fmt: skip


@pytest.mark.slow
def test_changed_bundles_are_refused_or_pass(tmp_path):
    folder = tmp_path / "fuzz"
    command = [sys.executable, "-m", "scripts.fuzz.bundles", "--count", "12"]
    done = subprocess.run(
        [*command, "--folder", folder], capture_output=True, text=True, env=with_root_on_path()
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((folder / "fuzz_bundles.json").read_text())
    found = result["counts"]
    assert found["tried"] == found["refused"] + found["passed"] == 12
    assert found["refused"] > 0
    assert not any(found[name] for name in ("tracebacks", "signals", "hangs", "files_outside"))
