"""People walk through pages: their commands and programs are run from an empty folder.

Commands take few steps (`short_commands`), and find the files that a user of the page has
(`user_files`). What is not run is in `NOT_RUN`, with the reason.
"""

import functools
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request

import pytest

from scripts.docs_pages.links import ROOT, all_pages
from tests.docs.code_blocks import code_blocks
from tests.docs.user_files import write_user_files

PERSONAS = {
    "visitor": ("README.md",),
    "researcher": (
        *("docs/tutorials/python-api.md", "docs/tutorials/write-a-method.md"),
        *("docs/guides/training.md", "docs/guides/monitoring.md", "docs/guides/evaluation.md"),
        "docs/guides/compare.md",
    ),
    "engineer": (
        *("docs/quickstart.md", "docs/tutorials/your-images.md", "docs/guides/data-layouts.md"),
        "docs/guides/choose-a-method.md",
        *("docs/tutorials/edit-attributes.md", "docs/tutorials/large-images.md"),
        *("docs/guides/tiling.md", "docs/guides/many-hosts.md"),
    ),
    "app developer": ("docs/tutorials/android.md", "docs/tutorials/browser.md"),
    "on-device engineer": (
        *("docs/guides/other-models.md", "docs/guides/quantization.md"),
        "docs/guides/small-students.md",
        *("docs/guides/verification.md", "docs/guides/keras2-import.md"),
    ),
}
# Commands of an earlier page that a walk starts with; one of its pages links to that page.
BEFORE = {
    "app developer": ("tf-translate train pix2pix --run runs/first", "docs/quickstart.md"),
    "on-device engineer": (
        "tf-translate train cyclegan --run runs/emoji",
        "docs/guides/training.md",
    ),
}
_INSTALLED = "the tests have an environment already"
_DOWNLOADS = "downloads a package from a registry"
_DATA_SET = "downloads a public data set"
_IMAGES = "docs/tutorials/your-images.md"
# The beginning of a line, or of a block of Python: why it is not run.
NOT_RUN = {
    ("README.md", "scripts/setup && source .venv/bin/activate"): _INSTALLED,
    ("README.md", "scripts/demo"): "trains for five minutes: tests run its commands one by one",
    ("README.md", "scripts/test"): "runs all tests",
    ("docs/quickstart.md", "scripts/setup"): _INSTALLED,
    ("docs/quickstart.md", "source .venv/bin/activate"): _INSTALLED,
    ("docs/tutorials/write-a-method.md", "class CUTSettings(MethodSettings):"): "part of cut.py",
    ("docs/tutorials/write-a-method.md", '@register("cut"'): "part of cut.py",
    ("docs/guides/training.md", "tf-translate train cyclegan --devices gpu:4"): "needs four GPUs",
    ("docs/guides/evaluation.md", "tf-translate evaluate runs/emoji --pretrained"): _DOWNLOADS,
    ("docs/guides/evaluation.md", "tf-translate pretrained"): _DOWNLOADS,
    (_IMAGES, "tf-translate train cyclegan --set data.path=tfds"): _DATA_SET,
    (_IMAGES, "tf-translate train cyclegan --set data.path=cel"): _DATA_SET,
    ("docs/guides/data-layouts.md", "tf-translate data fetch orl"): _DOWNLOADS,
    ("docs/guides/data-layouts.md", "tf-translate data fetch material-symbols"): _DOWNLOADS,
    ("docs/guides/data-layouts.md", "tf-translate data fetch stamps"): _DOWNLOADS,
    ("docs/guides/data-layouts.md", "tf-translate data fetch emoji"): _DOWNLOADS,
    ("docs/guides/compare.md", "tf-translate compare run icons.toml"): _DOWNLOADS,
    ("docs/guides/many-hosts.md", "srun"): "needs two hosts with Slurm",
}  # fmt: skip
SERVERS = ("tf-translate serve", "tensorboard")


@functools.cache
def _blocks(page):
    return code_blocks((ROOT / page).read_text("utf-8"))


def _is_run(page, line):
    return not any(page == other and line.startswith(beginning) for other, beginning in NOT_RUN)


def _with_few_steps(code):
    return re.sub(r"\b(steps_per_epoch|epochs)=\d+", r"\1=1", code)


def test_what_is_not_run_is_still_on_its_page():
    starts = {
        (page, line)
        for pages in PERSONAS.values()
        for page in pages
        for block in _blocks(page)
        for line in (block.lines if block.language == "bash" else block.lines[:1])
    }
    stale = [
        key
        for key in NOT_RUN
        if not any(page == key[0] and line.startswith(key[1]) for page, line in starts)
    ]
    assert stale == []
    for persona, (command, page) in BEFORE.items():
        assert any(command in block.code for block in _blocks(page))
        texts = [(ROOT / each).read_text("utf-8") for each in PERSONAS[persona]]
        assert any(os.path.basename(page) in text for text in texts)


def test_every_page_of_tutorials_and_guides_with_code_is_walked():
    walked = {page for pages in PERSONAS.values() for page in pages}
    with_code = {
        page
        for page in all_pages()
        if page.startswith(("docs/tutorials/", "docs/guides/", "docs/quickstart"))
        and any(block.language in ("bash", "python") for block in _blocks(page))
    }
    assert with_code <= walked


@pytest.mark.slow
@pytest.mark.parametrize("persona", PERSONAS)
def test_a_persona_walks_its_pages_from_nothing(persona, tmp_path):
    for name in ("assets", "scripts"):  # what a clone of the repository has
        (tmp_path / name).symlink_to(ROOT / name)
    program = tmp_path / "bin" / "tf-translate"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.docs.short_commands "$@"\n')
    program.chmod(0o755)
    write_user_files(tmp_path)
    if persona in BEFORE:
        _run_shell([BEFORE[persona][0]], tmp_path)
    for page in PERSONAS[persona]:
        python = []
        for block in _blocks(page):
            if block.title:
                (tmp_path / block.title).write_text(block.code)
            if block.language == "bash":
                _run_block([line for line in block.lines if _is_run(page, line)], tmp_path)
            if block.language == "python" and _is_run(page, block.lines[0]):
                python.append(_with_few_steps(block.code))
        _run([sys.executable, "-c", "\n".join(python)], tmp_path)


def _run_block(lines, folder):
    """Runs lines in one shell; a server among them is started, visited once and stopped."""
    script = []
    for line in lines:
        if line.startswith(SERVERS):
            _run_shell(script, folder)
            _visit(shlex.split(line), folder)
            script = []
        else:
            script.append(line)
    _run_shell(script, folder)


def _run_shell(lines, folder):
    if lines:
        _run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], folder)


def _environment(folder):
    path = os.pathsep.join(
        [str(folder / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]]
    )
    return {
        **os.environ,
        "BROWSER": "true",  # a program that does nothing
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_TRANSLATE_CACHE": str(folder / "cache"),
    }


def _run(command, folder):
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=_environment(folder), timeout=1800
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"


def _visit(words, folder):
    if words[0] == "tensorboard":
        words = [*words, "--port", "0"]
    with subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(folder),
        # A shell makes processes in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as server:
        try:
            printed = ""
            while not (address := re.search(r"http://[\w.:]+/", printed)):
                line = server.stdout.readline()
                assert line, f"{words} ended:\n{printed}"
                printed += line
            with urllib.request.urlopen(address[0], timeout=60) as answer:
                assert b"<title>" in answer.read()
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
