"""The folder of a comparison: its record, its data and whether weights stay."""

import json

import pytest

from tests.experiment.compare.cells.shipped import comparison_on
from tf_translate.config.task import load_task
from tf_translate.errors import ConfigError, RunError
from tf_translate.experiment.compare.cells.choose_cells import choose_cells
from tf_translate.experiment.compare.prepare import (
    about,
    check_record,
    data_folder,
    keeps_weights,
    read_about,
)


def test_cells_of_a_folder_share_their_settings(tmp_path):
    comparison = comparison_on("paired", run=tmp_path)
    check_record(comparison, choose_cells(comparison, ["pix2pix"], 2))
    check_record(comparison, choose_cells(comparison, ["cyclegan"], 1))
    other = comparison_on("paired", run=tmp_path, minutes=3)
    check_record(other, choose_cells(other, ["cyclegan"], 1))  # none was trained: no cell to match
    started = comparison.folder / "pix2pix-0" / "config.json"
    started.parent.mkdir()
    started.write_text("{}")
    with pytest.raises(RunError, match=r"training\.minutes = 20\.0, not 3"):
        check_record(other, choose_cells(other, ["pix2pix"], 3))


def test_paths_of_a_task_file_are_relative_to_it(tmp_path):
    task = load_task("paired")[1]
    assert data_folder(task, str(tmp_path / "mine.toml"), None) == tmp_path
    assert data_folder(task, "paired", tmp_path) == tmp_path
    fetched = data_folder(load_task("glasses")[1], "glasses", None)
    assert fetched.name == "dicebear-glasses-10.7.0-64px-12000"
    with pytest.raises(ConfigError, match="--data must be a folder"):
        data_folder(task, "paired", tmp_path / "none")


def test_what_a_task_says_of_its_methods_is_read_back_or_refused(tmp_path):
    written = about(load_task("ordinal")[1])
    assert set(written["texts"]) == {"age_cgan_encoder", "age_cgan_pixelwise"}
    (tmp_path / "about.json").write_text(json.dumps(written))
    assert read_about(tmp_path, "ordinal") == written
    for wrong in (
        {"fader": {"name": "a"}},
        {"fader": {"title": 3}},
        {"fader": {"title": "\ud800"}},  # no page can hold it
        {"fader": "a"},
        ["fader"],
    ):
        (tmp_path / "about.json").write_text(json.dumps({**written, "texts": wrong}))
        with pytest.raises(RunError, match=r"about\.json"):
            read_about(tmp_path, "ordinal")
    (tmp_path / "about.json").write_text("[" * 100_000)
    with pytest.raises(RunError, match=r"about\.json"):
        read_about(tmp_path, "ordinal")


def test_weights_stay_if_that_was_asked_once(tmp_path):
    assert not keeps_weights(tmp_path, False)
    assert keeps_weights(tmp_path, True)
    assert keeps_weights(tmp_path, False)
