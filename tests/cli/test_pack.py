"""`tf-translate data pack`: its output, its errors, and training on a packed set."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.cli.conftest import settings, write_pairs
from tf_translate import images


def _history(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_training_on_a_packed_set_equals_training_on_the_original(tmp_path, command):
    folder = write_pairs(tmp_path / "pairs", size=20)
    code, out, stderr = command("data", "pack", folder, "--output", tmp_path / "packed")
    assert (code, out.strip()) == (0, str(tmp_path / "packed"))
    assert "32 images (named_pairs) in 1 files" in stderr
    resized = ("--size", 16, 16, "--load-size", 18, 18, "--json")
    code, out, stderr = command("data", "pack", folder, "--output", tmp_path / "resized", *resized)
    report = json.loads(out)
    assert (code, report["images"], report["layout"]) == (0, 32, "named_pairs")
    assert report["bytes"] == (tmp_path / "resized" / "images-00000.tfrecord").stat().st_size
    histories = []
    for name, cache in (("pairs", "memory"), ("packed", "none"), ("resized", "none")):
        own = (f"data.path={tmp_path / name}", f"data.cache={cache}", "data.load_size=[18, 18]")
        more = settings(*own, "training.steps=6", "training.log_every=1")
        assert command("train", "pix2pix", "--run", tmp_path / f"run-{name}", *more)[0] == 0
        histories.append(_history(tmp_path / f"run-{name}"))
    assert len(histories[0]) == 6
    assert len({row["content/l1"] for row in histories[0]}) == 6
    assert histories[1] == histories[0]
    assert histories[2] == histories[0]


def test_invalid_options_are_refused_by_name(tmp_path, mistake, pairs):
    def error_of(*options):
        return mistake("data", "pack", pairs, "--output", tmp_path / "packed", *options)

    assert "--load-size needs --size" in error_of("--load-size", 8, 8)
    assert "--channels needs --size" in error_of("--channels", 1)
    assert "--size must be from 1 to 8192, got (0, 8)" in error_of("--size", 0, 8)
    too_small = error_of("--size", 8, 8, "--load-size", 8, 7)
    assert "--load-size must be at least --size (8, 8), got (8, 7)" in too_small
    assert "--channels must be 1, 3 or 4, got 2" in error_of("--size", 8, 8, "--channels", 2)
    assert "--shard-size must be at least 1 (MiB), got 0" in error_of("--shard-size", 0)
    assert "--on-error must be stop or skip, got 'go'" in error_of("--on-error", "go")
    assert "--layout must be one of auto" in error_of("--layout", "unknown")
    assert "data.layout = 'tfds' needs data.path to be tfds:NAME" in error_of("--layout", "tfds")
    assert not (tmp_path / "packed").exists()
    (tmp_path / "packed").mkdir()
    assert "--output must be a new folder" in error_of()


def test_a_damaged_image_is_named_and_nothing_is_written(tmp_path, mistake, pairs):
    (pairs / "train" / "a" / "3.png").write_bytes(b"")
    stderr = mistake("data", "pack", pairs, "--output", tmp_path / "packed")
    assert "3.png is empty" in stderr
    assert sorted(tmp_path.iterdir()) == [pairs]


def test_a_truncated_packed_set_stops_training_with_an_error_of_one_line(
    tmp_path, command, mistake, pairs
):
    command("data", "pack", pairs, "--output", tmp_path / "packed")
    shard = tmp_path / "packed" / "images-00000.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1])
    own = settings(f"data.path={tmp_path / 'packed'}", "training.steps=2")
    stderr = mistake("train", "pix2pix", "--run", tmp_path / "run", *own)
    assert f"{shard} is truncated" in stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_leaves_no_packed_set(tmp_path):
    image, folder = tmp_path / "one.png", tmp_path / "original"
    images.write(image, np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    for side in ("trainA", "trainB"):
        (folder / side).mkdir(parents=True)
        for number in range(15_000):
            os.link(image, folder / side / f"{number}.png")
    code = "from tf_translate.cli.main import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "data", "pack", folder, "--output", tmp_path / "packed"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Children of a background job of a shell ignore Ctrl-C by default.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and not list(tmp_path.glob(".packed.*/*.tfrecord")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stderr = process.communicate()[1]
    assert process.returncode not in (0, None)
    assert "Traceback" not in stderr
    assert sorted(tmp_path.iterdir()) == [image, folder]
