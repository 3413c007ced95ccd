"""The scripts for people who write their own training, run as they would run them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import exporters

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["fit_pix2pix", "fit_cyclegan"])
def test_a_script_of_under_40_lines_trains_predicts_and_exports(name, tmp_path):
    script = ROOT / "scripts" / f"{name}.py"
    assert len(script.read_text().splitlines()) < 40
    done = subprocess.run(
        [sys.executable, script, "2", tmp_path / "bundle"],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "bundle:" in done.stdout
    assert exporters.verify(tmp_path / "bundle").passed


@pytest.mark.parametrize(
    "name",
    [
        "demo",
        "test",
        "check",
        "lint",
        "make_samples",
        "make_digits",
        "make_avatars",
        "make_tones",
        "make_legacy_fixture",
        "bench_export",
        "bench_steps",
        "bench_input",
        "bench_training",
        "check_kotlin",
        "kill_runs",
        "measure_memory",
        "measure_startup",
    ],
)
def test_a_script_can_be_run_and_says_what_it_does(name):
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[1].startswith(("# ", '"""'))


@pytest.mark.skipif(
    shutil.which("java") is None
    or not (ROOT / ".venv/kotlin/node_modules/kotlin-compiler/lib/kotlin-compiler.jar").is_file(),
    reason="needs Java, and the compiler that scripts/check_kotlin installs",
)
@pytest.mark.parametrize("broken", [False, True])
def test_the_kotlin_of_the_sample_bundle_compiles_and_runs(broken, tmp_path):
    bundle = shutil.copytree(ROOT / "assets" / "flat_to_3d", tmp_path / "bundle")
    example = bundle / "examples" / "Translator.kt"
    if broken:
        example.write_text(example.read_text().replace('"a_to_b_uint8"', '"a_to_b"'))
    done = subprocess.run(
        [ROOT / "scripts" / "check_kotlin", bundle], capture_output=True, text=True
    )
    if broken:
        assert done.returncode == 1
        assert "must be ('a_to_b_uint8'" in done.stderr
    else:
        assert done.returncode == 0, done.stderr[-2000:]
        assert json.loads(done.stdout) == {str(bundle): {"a_to_b_uint8": ["all values"]}}
