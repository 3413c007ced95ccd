"""The programs of scripts/, run as a user runs them, and the example programs."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import exporters

ROOT = Path(__file__).parents[2]
PROGRAMS = ("bench", "check", "check_kotlin", "demo", "docs", "lint", "make", "test")
NAMES = {
    "bench": "export input steps training public_generators cpu_kernels tiles "
    "metric_damage parity memory image_memory startup "
    "kills repeats fuzz_images fuzz_tables fuzz_bundles",
    "make": "samples digits avatars tones legacy_fixture sample_bundle eye_positions",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fit_pix2pix", "fit_cyclegan"])
def test_an_example_of_under_40_lines_trains_predicts_and_exports(name, tmp_path):
    script = ROOT / "scripts" / "examples" / f"{name}.py"
    assert len(script.read_text().splitlines()) < 40
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.examples.{name}", "2", tmp_path / "bundle"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "bundle:" in done.stdout
    assert exporters.verify(tmp_path / "bundle", isolated=False).passed


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_program_is_executable_and_says_what_it_does(name):
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[1].startswith(("# ", '"""'))


def test_scripts_has_no_other_programs_than_those():
    files = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file()}
    assert files == {*PROGRAMS, "setup", "__init__.py"}


@pytest.mark.parametrize("program", sorted(NAMES))
@pytest.mark.parametrize("options", [[], ["--help"]])
def test_a_program_lists_its_names_with_one_line_each(program, options):
    done = subprocess.run([ROOT / "scripts" / program, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed = [line.split() for line in done.stdout.splitlines() if line.startswith("  ")]
    names = [words[0] for words in listed if words and not words[0].startswith("scripts/")]
    assert names == NAMES[program].split()


@pytest.mark.parametrize("program", sorted(NAMES))
def test_a_program_refuses_an_unknown_name_in_one_sentence(program):
    done = subprocess.run([ROOT / "scripts" / program, "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no")
    assert "nothing" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.thorough
def test_a_benchmark_lists_its_options_from_any_folder(tmp_path):
    done = _bench("startup", tmp_path, Path(sys.executable).parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: scripts/bench startup ")


@pytest.mark.parametrize("name", NAMES["bench"].split())
def test_the_module_of_a_benchmark_lists_its_options(name, tmp_path, monkeypatch, capsys):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')  # shows what the program would run
    python.chmod(0o755)
    options, module, asked = _bench(name, tmp_path, tmp_path).stdout.rsplit(maxsplit=2)
    assert (options, asked) == ("-P -m", "--help")
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: scripts/bench {name} ")


def _bench(name, folder, python_folder):
    path = os.pathsep.join([str(python_folder), os.environ["PATH"]])
    return subprocess.run(
        [ROOT / "scripts" / "bench", name, "--help"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "VIRTUAL_ENV": sys.prefix, "PATH": path},
    )


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("java") is None
    or not (ROOT / ".venv/kotlin/node_modules/kotlin-compiler/lib/kotlin-compiler.jar").is_file(),
    reason="needs Java, and the compiler that scripts/check_kotlin installs",
)
@pytest.mark.parametrize("broken", [False, True])
def test_the_kotlin_of_the_sample_bundle_compiles_and_runs(broken, tmp_path):
    bundle = shutil.copytree(ROOT / "assets" / "zoo" / "flat_to_3d", tmp_path / "bundle")
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
        ways = ["all values on the CPU", "all values on the GPU"]
        tests = {
            "theCpuGivesTheGoldenOutputs": "passed",
            "theGpuGivesTheGoldenOutputs": "passed",
        }
        assert json.loads(done.stdout) == {
            str(bundle): {"a_to_b_uint8": ways},
            "project": tests,
        }
