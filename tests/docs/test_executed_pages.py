"""The commands and programs of pages, run from top to bottom in an empty folder."""

import os
import re
import subprocess
import sys

import pytest

from scripts.docs_pages.links import ROOT
from tests.docs.code_blocks import code_blocks

EXECUTED = ("README.md", "docs/quickstart.md", "docs/tutorials/python-api.md")


def _with_few_steps(code):
    return re.sub(r"\b(steps_per_epoch|epochs)=\d+", r"\1=1", code)


@pytest.mark.slow
@pytest.mark.parametrize("page", EXECUTED)
def test_a_page_runs_from_nothing(page, tmp_path):
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    command = tmp_path / "bin" / "tf-translate"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.docs.short_commands "$@"\n')
    command.chmod(0o755)
    blocks = [block for block in code_blocks((ROOT / page).read_text("utf-8")) if block.runs]
    for block in blocks:
        if block.language == "bash":
            _run(["bash", "-euo", "pipefail", "-c", block.code], tmp_path)
    python = [_with_few_steps(block.code) for block in blocks if block.language == "python"]
    assert python or any(block.language == "bash" for block in blocks)
    _run([sys.executable, "-c", "\n".join(python)], tmp_path)


def _run(command, folder):
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        timeout=1800,
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
