"""Runs `tf-translate` in this process; one tiny run and one bundle for all tests of it."""

import sys

import numpy as np
import pytest

from tf_translate import images
from tf_translate.cli.main import run as run_command

TINY = (
    "data.size=[16, 16]",
    "model.num_downsamples=2",
    "model.base_filters=4",
    "model.discriminator_layers=1",
    "model.discriminator_filters=4",
    "training.batch_size=2",
    "training.log_every=2",
    "training.checkpoint_every=4",
    "evaluation.domain_steps=2",
    "evaluation.content_steps=2",
)


def settings(*more):
    """Options that make a preset tiny, and further settings."""
    return [part for setting in (*TINY, *more) for part in ("--set", setting)]


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `tf-translate ARGUMENTS`; returns exit code, stdout and stderr on one line."""

    def invoke(*arguments):
        monkeypatch.setattr(sys, "argv", ["tf-translate", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            run_command()
        except SystemExit as exit_:
            code = exit_.code or 0
        captured = capsys.readouterr()
        return code, captured.out, " ".join(captured.err.split())

    return invoke


def write_pairs(folder, *, train=8, test=8, seed=0, size=16):
    """Writes pairs of equal file names: a coloured square, and its negative image."""
    random = np.random.default_rng(seed)
    for split, count in (("train", train), ("test", test)):
        for index in range(count):
            image = np.full((size, size, 3), 255, np.uint8)
            top, left = random.integers(0, size // 2, 2)
            image[top : top + size // 2, left : left + size // 2] = random.integers(0, 200, 3)
            images.write(folder / split / "a" / f"{index}.png", image)
            images.write(folder / split / "b" / f"{index}.png", 255 - image)
    return folder


@pytest.fixture
def pairs(tmp_path):
    """A new folder of pairs, which a test may damage."""
    return write_pairs(tmp_path / "pairs")


def run_in_this_process(*arguments):
    """Runs `tf-translate ARGUMENTS`, which must end with exit code 0."""
    argv, sys.argv = sys.argv, ["tf-translate", *map(str, arguments)]
    try:
        with pytest.raises(SystemExit) as end:
            run_command()
    finally:
        sys.argv = argv
    assert end.value.code == 0


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run of eight steps, shared by all tests; do not change it."""
    folder = tmp_path_factory.mktemp("trained")
    data = write_pairs(folder / "pairs")
    run_in_this_process(
        "train", "pix2pix", "--run", folder / "run",
        *settings(f"data.path={data}", "training.steps=8"),
    )  # fmt: skip
    return folder / "run"


@pytest.fixture(scope="session")
def bundle(trained):
    """The run's bundle in all recipes, shared by all tests; do not change it."""
    run_in_this_process("export", trained, "--bundle", trained.parent / "bundle")
    return trained.parent / "bundle"


@pytest.fixture
def mistake(command):
    """Runs a command that must fail with exit code 2; returns its error message."""

    def invoke(*arguments):
        code, _, sentence = command(*arguments)
        assert code == 2, sentence
        assert "Traceback" not in sentence
        return sentence

    return invoke
