"""Cells of a comparison: settings, commands, and what is not applicable."""

import dataclasses
import itertools
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest

from scripts.results.methods_table import own_methods
from tests.data.image_files import plain, values
from tf_translate import images
from tf_translate.config.load import load
from tf_translate.config.task import load_task
from tf_translate.data.domain_dataset import DomainDataset
from tf_translate.errors import ConfigError, RunError
from tf_translate.experiment.compare.cell_images import chosen_by_seed, image_keys
from tf_translate.experiment.compare.cells import (
    applicable,
    cell_command,
    choose_cells,
    find_cell,
    lacking_supervision,
    make_comparison,
    not_compared,
    toml_value,
)
from tf_translate.experiment.compare.prepare import check_record, data_folder, keeps_weights
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import open_dataset
from tf_translate.experiment.eval_sets.directions import direction_names


def _comparison(task="glasses", *, run=Path("runs"), data=Path("/data"), **options):
    name, found = load_task(task)
    return make_comparison(name, found, run=run, data=data, **options)


def _config(cell):
    return resolve(
        cell.preset, [f"{key}={toml_value(each)}" for key, each in cell.settings.items()]
    )


def test_a_cell_is_a_method_and_a_seed():
    cells = choose_cells(_comparison(), ["pix2pix", "ian"], 2)
    assert [each.id for each in cells] == ["pix2pix:0", "ian:0", "pix2pix:1", "ian:1"]
    assert cells[2].folder == Path("runs/glasses/pix2pix-1")
    config = _config(cells[2])
    assert config.training.seed == 1
    assert config.training.minutes == 45
    assert config.data.path == "/data/dicebear-glasses-pairs.csv"
    assert config.evaluation.judge_path == "/data/dicebear-glasses.csv"


def test_settings_that_count_steps_shrink_with_the_budget():
    names = ["cyclegan", "icgan", "fader"]
    cells = choose_cells(_comparison(minutes=15.0), names, 1)
    assert _comparison(minutes=15.0).shortened("dtn") == {}
    cyclegan, icgan, fader = map(_config, cells)
    assert cyclegan.training.ema_momentum == pytest.approx(0.999**3, abs=1e-5)
    assert icgan.model["bn_recalibration_steps"] == 40  # statistics need as many images as before
    assert fader.model["ramp"] == 1000
    assert fader.training.ema_momentum == 0.0
    ablated = _comparison(minutes=15.0).cell("fader-without-latent_adversarial", 0)
    assert _config(ablated).model["ramp"] == 1000


def test_settings_that_count_steps_are_those_of_the_task_at_its_budget_or_a_longer_one():
    for minutes in (None, 45.0, 90.0):
        (cell,) = choose_cells(_comparison(minutes=minutes), ["fader"], 1)
        assert _config(cell).model["ramp"] == 3000


def test_a_setting_that_is_given_does_not_shrink():
    comparison = _comparison(minutes=15.0, overrides=["training.ema_momentum=0.5"])
    (cell,) = choose_cells(comparison, ["cyclegan"], 1)
    assert _config(cell).training.ema_momentum == 0.5
    assert comparison.shortened("cyclegan") == {}


@pytest.mark.parametrize("task", ["digits", "glasses", "ordinal", "paired", "unpaired"])
def test_all_cells_of_the_shipped_tasks_have_valid_settings(task):
    for cell in choose_cells(_comparison(task), [], 1):
        feature_extractor = _config(cell).model.get("feature_extractor")
        assert feature_extractor in (None, f"runs/{task}/pretrained/lite0.keras")


def test_attributes_of_a_task_replace_those_of_the_preset():
    cell = _comparison().cell("fader", 0)  # its preset has beards too
    assert _config(cell).data.attributes == {"glasses": ["0", "1"]}


def test_commands_can_be_read_back_by_a_shell():
    cell = _comparison().cell("fader", 0)
    arguments = shlex.split(shlex.join(cell.train_arguments()))
    pairs = itertools.pairwise(arguments)
    overrides = [after for option, after in pairs if option == "--set"]
    assert load(arguments[1], overrides).data.attributes == {"glasses": ["0", "1"]}
    command = cell_command("glasses", cell, Path("my runs"), ["--budget", "3"])
    assert shlex.split(command) == [
        "tf-translate", "compare", "run", "glasses", "--cell", "fader:0", "--run", "my runs",
        "--budget", "3",
    ]  # fmt: skip


def test_values_are_written_as_toml():
    value = {"a": True, "b": [1, 0.5], "c": {"x y": ['ä"\\', 1e-5]}, "d": "text"}
    assert tomllib.loads(f"value = {toml_value(value)}")["value"] == value


def test_methods_that_need_more_than_the_task_provides_are_not_applicable():
    reasons = not_compared(load_task("unpaired")[1])
    assert reasons["pix2pix"] == "it needs pairs, and the task provides images and sets"
    assert reasons["fader"] == "it needs attributes, and the task provides images and sets"
    assert "object" in reasons["genegan"]
    own = {method.name for method in own_methods()}  # another test may have registered its own
    assert not own & set(not_compared(load_task("glasses")[1]))


_OWN_TASK = """
title = "a"
minutes = 1
provides = ["pairs"]
[layouts.sets]
shows = "a"
uses = ["sets"]
[methods.cyclegan]
layout = "sets"
[not_applicable]
"""


def _own_task(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(_OWN_TASK + text)
    return load_task(str(path))[1]


def test_pairs_are_two_sets_and_the_reasons_of_the_task_are_those_that_are_given(tmp_path):
    task = _own_task(tmp_path, 'fader = "it is slow"\ndiscogan = "too much noise"')
    reasons = not_compared(task)
    assert applicable(task) == ["cyclegan"]
    assert reasons["fader"] == "it is slow"
    assert reasons["discogan"] == "too much noise"
    assert reasons["icgan"] == "it needs attributes, and the task provides pairs"
    assert reasons["dualgan"] == "the task does not list it"
    lacking = lacking_supervision(task)
    assert {"fader", "icgan", "age_cgan"} <= lacking
    assert not {"cyclegan", "discogan", "dualgan", "pix2pix", "ian"} & lacking


def test_a_reason_for_a_method_that_is_compared_or_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="but 'cyclegan' is one of methods; delete one of the"):
        _own_task(tmp_path, 'cyclegan = "why"')
    with pytest.raises(ConfigError, match=r"of the task: .*'discogann', .*mean 'discogan'"):
        not_compared(_own_task(tmp_path, 'discogann = "why"'))


def test_a_reason_for_a_method_that_is_compared_under_another_name_is_refused(tmp_path):
    text = 'dualgan = "why"\n[methods.fast]\nlayout = "sets"\npreset = "dualgan_small"'
    with pytest.raises(ConfigError, match=r"names dualgan, which methods\.fast is; delete one"):
        not_compared(_own_task(tmp_path, text))


def test_an_unknown_key_of_a_task_is_called_a_key_and_free_names_are_shown(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text("budget = 3" + _OWN_TASK)
    with pytest.raises(
        ConfigError,
        match=r"there is no key 'budget'; there are title, .*, "
        r"layouts\.NAME\.shows, .*methods\.NAME\.preset",
    ):
        load_task(str(path))


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: choose_cells(_comparison(), ["cylegan"], 1), "has no method 'cylegan', only"),
        (lambda: choose_cells(_comparison("paired"), ["fader"], 1), "fader is not compared in"),
        (lambda: choose_cells(_comparison(), [], 0), "--seeds must be at least 1, got 0"),
        (lambda: find_cell(_comparison(), "ian"), "--cell must be METHOD:SEED"),
        (lambda: _comparison(minutes=0.0), "--budget must be above 0 minutes, got 0"),
        (lambda: _comparison(overrides=["training.steps=5"]), "use --budget and --seeds"),
        (lambda: _comparison(overrides=["steps=5"]), "--set takes group.setting=value"),
        (
            lambda: choose_cells(_comparison(overrides=["data.sise=5"]), ["ian"], 1),
            "the task glasses, method ian: .*did you mean 'data.size'",
        ),
    ],
)
def test_a_mistake_is_one_sentence(mistake, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mistake()


def test_cells_of_a_folder_share_their_settings(tmp_path):
    comparison = _comparison("paired", run=tmp_path)
    check_record(comparison, choose_cells(comparison, ["pix2pix"], 2))
    check_record(comparison, choose_cells(comparison, ["cyclegan"], 1))
    other = _comparison("paired", run=tmp_path, minutes=3)
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


@pytest.fixture
def people(tmp_path):
    """The two tables of glasses, of 6 people to learn from and 4 to test; everyone's own shade."""
    header, pairs, shown = "image,split,person,hair,beard,glasses", [], []
    for index in range(14):
        split = "train" if index < 6 else "validation" if index < 10 else "test"
        for glasses in (0, 1):
            name = f"{index}-{glasses}.png"
            plain(tmp_path / name, 16 * index + 8 * glasses, size=(64, 64))
            row = f"{name},{split},p{index},h{index % 2},0,{glasses}"
            pairs.append(row)
            if split == "test" or glasses == index % 2:
                shown.append(row)
    for name, rows in (("dicebear-glasses-pairs.csv", pairs), ("dicebear-glasses.csv", shown)):
        (tmp_path / name).write_text("\n".join([header, *rows]) + "\n")
    return tmp_path


def _shades(data, split):
    """The values of all images of a split; 16 times the person, and 8 with glasses."""
    if isinstance(data, DomainDataset):
        return [shade for side in data.arrays(split) for shade in values(side)]
    return values(data.images(split, at=range(data.splits[split])))


def test_held_out_images_have_the_same_keys_in_every_layout(people):
    random = np.random.default_rng(0)
    for file in people.glob("*.png"):  # of one shade, a person is too much like another
        images.write(file, random.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    found = []
    for cell in choose_cells(_comparison(data=people), [], 1):
        data = open_dataset(_config(cell))
        if isinstance(data, DomainDataset):
            sides = data.arrays("test")
        else:
            sides = (data.images("test", at=range(data.splits["test"])),)
        keys = image_keys(images.to_uint8(np.concatenate(sides)))
        assert len(set(keys)) == 8, cell.name
        found.append(set(keys[chosen_by_seed(keys, 4)]))
    assert all(each == found[0] for each in found)


def test_all_methods_learn_from_the_same_people_and_none_from_a_held_out_one(people):
    cells = choose_cells(_comparison(data=people), [], 1)
    assert len(cells) == 10
    for cell in cells:
        data = open_dataset(_config(cell))
        tested = [16 * person + 8 * glasses for person in range(10, 14) for glasses in (0, 1)]
        assert sorted(_shades(data, "test")) == tested, cell.name
        learned = [shade // 16 for shade in _shades(data, "train")]
        times = 2 if cell.name == "pix2pix" else 1
        assert sorted(learned) == sorted([*range(6)] * times), cell.name


def test_the_truth_of_an_edit_is_the_same_person_in_every_layout(people):
    for name in ("pix2pix", "cyclegan", "genegan"):
        data = open_dataset(_config(_comparison(data=people).cell(name, 0)))
        assert data.has_truth("test")
        a, b = (np.array(values(side)) for side in data.arrays("test"))
        assert (a // 16 == b // 16).all()
        assert (np.abs(a - b) == 8).all()
    pairs = open_dataset(_config(_comparison(data=people).cell("pix2pix", 0)))
    a, b = (np.array(values(side)) for side in pairs.arrays("train"))
    assert (b - a == 8).all()


def test_a_method_whose_preset_does_not_exist_is_named(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text(
        'title = "a"\nminutes = 1\nprovides = ["sets"]\n'
        '[layouts.sets]\nshows = "a"\nuses = ["sets"]\n[methods.cycelgan]\nlayout = "sets"\n'
    )
    with pytest.raises(ConfigError, match=r"methods.cycelgan of the task .* 'cyclegan_small'\?"):
        not_compared(load_task(str(path))[1])


def test_weights_stay_if_that_was_asked_once(tmp_path):
    assert not keeps_weights(tmp_path, False)
    assert keeps_weights(tmp_path, True)
    assert keeps_weights(tmp_path, False)


def test_a_cell_is_evaluated_in_its_direction_alone():
    comparison = _comparison()
    assert comparison.cell("genegan", 0).evaluate_arguments()[2:] == ["--direction", "b_to_a"]
    ian = comparison.cell("ian", 0)
    both = ["--direction", "add_glasses", "--direction", "add_glasses_painted"]
    assert ian.evaluate_arguments()[2:] == both
    painted = dataclasses.replace(ian, direction="add_glasses_painted")
    assert painted.evaluate_arguments()[2:] == both[2:]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("dtn", ["a_to_b"]),
        ("cyclegan", ["a_to_b", "b_to_a"]),
        ("genegan", ["a_to_b", "b_to_a"]),
        ("fader", ["remove_glasses", "add_glasses"]),
        ("ian", ["remove_glasses", "add_glasses", "remove_glasses_painted", "add_glasses_painted",
                 "reconstruct"]),
    ],
)  # fmt: skip
def test_directions_are_known_before_training(name, names):
    assert direction_names(_config(_comparison().cell(name, 0))) == names
