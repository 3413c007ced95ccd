"""Noise between two translations, with a cycle that hides its input, and one that shows it."""

import json

import numpy as np
import pytest

from tf_translate.errors import RunError
from tf_translate.experiment.compare.cycle_noise import FILE, measure, noise_name, read_all

GAIN = 100.0


def _images(seed, shift=0.0):
    random = np.random.default_rng(seed)
    return (0.5 * random.uniform(-1, 1, (8, 8, 8, 3)) + shift).astype(np.float32)


def test_noise_destroys_what_is_hidden_in_small_values_only():
    source = _images(0)

    def hide(images):
        return images / GAIN  # all that is left to see is grey

    def reveal(images):
        return np.clip(GAIN * images, -1, 1)

    def show(images):
        return -images

    hidden = measure(source, 0.001 * _images(1), hide, reveal)
    shown = measure(source, _images(1), show, show)
    assert hidden["reconstruction"] == pytest.approx(0, abs=1e-6)
    # Steps of 8 bits are 1/127.5; a value of at most 0.5/100 is rounded to 0 or beyond by 1/255.
    assert hidden["rounding"]["lost"] > 0.5
    assert hidden[noise_name(0.03)]["lost"] > 0.9
    assert shown["rounding"]["lost"] < 0.01
    assert shown[noise_name(0.03)]["lost"] < 0.1
    costs = shown[noise_name(0.03)]
    assert np.mean(costs["generated"]) == pytest.approx(0.03 * (2 / np.pi) ** 0.5, rel=0.05)
    assert np.mean(costs["generated"]) == pytest.approx(np.mean(costs["real"]), rel=0.05)
    assert len(costs["generated"]) == 8


def test_unrelated_targets_are_not_the_truths_of_the_sources():
    def negate(images):
        return -images

    source = _images(0)
    found = measure(source, negate(source), negate, negate)
    assert found["reconstruction"] == 0
    assert found["unrelated"] > 0.2
    assert found[noise_name(0.03)]["lost"] < 0.2


def test_a_way_back_that_ignores_its_input_has_no_fraction_to_lose():
    source, target = _images(0), _images(1)
    found = measure(source, target, lambda images: images, np.zeros_like)
    assert found["rounding"]["lost"] is None


def test_a_broken_file_is_named(tmp_path):
    assert read_all(tmp_path) == []
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FILE).write_text('{"directions": {"a_to_b": {}}}')
    with pytest.raises(RunError, match=r"run/cycle_noise.json is broken: .*measure the run again"):
        read_all(tmp_path)


def test_runs_are_named_by_their_folder_wherever_they_were_measured(tmp_path):
    cost = {"generated": [0.1], "real": [0.1], "lost": None}
    results = {
        "run": "/another/machine/cyclegan-0",
        "method": "cyclegan",
        "directions": {"a_to_b": {noise_name(0.03): cost, "rounding": cost, "unrelated": 0.5}},
    }
    for name in ("cyclegan-0", "cyclegan-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text(json.dumps(results))
    assert [each["run"] for each in read_all(tmp_path)] == ["cyclegan-0", "cyclegan-1"]
    assert [each["run"] for each in read_all(tmp_path / "cyclegan-1")] == ["cyclegan-1"]
