"""What each command says about the images it finds: one line for each split, on stderr."""

import json
import os

import pytest

from tests.cli.conftest import TINY, write_pairs
from tf_translate import images


def _settings(*own):
    """Options that make a preset tiny; later settings replace earlier ones of the same name."""
    return [part for setting in (*TINY, *own) for part in ("--set", setting)]


def test_packing_says_what_it_found_in_odd_folders(tmp_path, command, odd_folder):
    root, line = odd_folder
    pack = ("data", "pack", root, "--output", tmp_path / "packed", "--json")
    code, out, stderr = command(*pack, "--layout", "ab_folders")
    assert code == 0, stderr
    assert stderr.startswith(f"{line} test: a: 3 images, b: 2")
    left_out = json.loads(out)["left_out"]
    assert sum(left_out.get("train", {}).values()) == _count(line)


def _count(line):
    """The sum of the numbers of what was left out."""
    _, _, left_out = line.partition("; left out: ")
    counts = [part.split()[0] for part in left_out.split(", ") if part[:1].isdigit()]
    return sum(map(int, counts))


def test_packing_one_set_of_images_names_what_was_left_out_of_the_folder(tmp_path, command):
    data = write_pairs(tmp_path / "photos", train=2, test=1)
    (data / "old.psd").touch()
    pack = ("data", "pack", data, "--layout", "images", "--output")
    _, _, stderr = command(*pack, tmp_path / "packed")
    assert "train: 4 images test: 2 images left out of the folder: 1 .psd (old.psd)" in stderr
    (data / "train").rename(data / "mine")
    _, _, stderr = command(*pack, tmp_path / "other")
    assert "photos: 6 images; left out: 1 .psd (old.psd)" in stderr


def test_packing_damaged_images_says_how_many(tmp_path, command, pairs):
    (pairs / "train" / "a" / "3.png").write_bytes(b"")
    pack = ("data", "pack", pairs, "--output", tmp_path / "packed", "--on-error", "skip", "--json")
    code, out, stderr = command(*pack)
    assert (code, json.loads(out)["damaged"]) == (0, 1)
    assert f"recorded as damaged: 1 (first: the image file {pairs}/train/a/3.png is empty" in stderr


@pytest.mark.slow
def test_every_command_from_training_to_translation_says_what_it_found(tmp_path, command, pairs):
    for name in (".DS_Store", "notes.txt", "raw.heic"):
        (pairs / "train" / "b" / name).touch()
    (pairs / "test" / "a" / "1.png").write_bytes(b"no image")
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    own = (f"data.path={pairs}", "data.on_error=skip", "training.steps=1")
    lines = (
        "train: a: 7 images, b: 7; left out: 1 .heic (train/b/raw.heic), "
        "1 hidden (train/b/.DS_Store), 1 other file (.txt) "
        "validation: a: 1 image, b: 1 "
        "test: a: 7 images, b: 7; left out: 1 broken (a/1.png), 1 with a broken partner (b/1.png)"
    )
    code, _, stderr = command("train", "pix2pix", "--run", run, *_settings(*own))
    assert code == 0, stderr
    assert lines in stderr
    code, out, stderr = command("evaluate", run, "--json")
    assert code == 0, stderr
    assert lines in stderr
    assert json.loads(out)
    photos = tmp_path / "photos"
    for index in range(3):
        images.write(photos / "sub" / f"{index}.png", images.read(pairs / "train/a/0.png"))
    os.mkfifo(photos / "pipe.png")
    found = "3 images; left out: 1 not a regular file (pipe.png)"
    export = ("export", run, "--bundle", bundle, "--recipe", "int8", "--calibration", photos)
    code, _, stderr = command(*export)
    assert code == 0, stderr
    assert f"calibration: {found}" in stderr
    _, out, stderr = command("verify", bundle, "--images", photos, "--json")
    assert f"photos: {found}" in stderr
    assert json.loads(out)["images"] == 3
    code, out, stderr = command("translate", bundle, photos, "--output", tmp_path / "out")
    assert code == 0, stderr
    assert f"photos: {found}" in stderr


@pytest.mark.slow
def test_verify_says_how_many_images_of_a_large_folder_it_uses(tmp_path, command, bundle):
    pixels = images.read(write_pairs(tmp_path / "pairs", train=1, test=1) / "train/a/0.png")
    for index in range(65):
        images.write(tmp_path / "many" / f"{index}.png", pixels)
    _, _, stderr = command("verify", bundle, "--images", tmp_path / "many")
    assert "many: 65 images; 64 are used" in stderr


def test_a_pipe_that_is_named_itself_is_not_waited_for(tmp_path, command, bundle):
    os.mkfifo(tmp_path / "pipe.png")
    _, _, stderr = command("translate", bundle, tmp_path / "pipe.png", "--output", tmp_path / "out")
    assert f"{tmp_path / 'pipe.png'} is not an image file, but a pipe" in stderr
