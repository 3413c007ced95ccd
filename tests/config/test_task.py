"""Tasks of comparisons: the shipped ones, and mistakes in one's own."""

import pytest

from tf_translate.config.task import load_task, tasks
from tf_translate.errors import ConfigError

MINE = """
title = "Thin to bold"
minutes = 2
provides = ["images", "sets"]

[settings.data]
path = "icons.csv"
size = [32, 32]

[layouts.sets]
shows = "thin icons, bold icons"
uses = ["sets"]
[layouts.sets.settings.data]
domain_column = "weight"
size = [16, 16]

[methods.cyclegan]
layout = "sets"

[methods.fast]
preset = "dualgan_small"
layout = "sets"
direction = "b_to_a"
[methods.fast.settings.training]
batch_size = 8
"""


def _load(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return load_task(str(path))


def _mistake(tmp_path, text):
    with pytest.raises(ConfigError) as raised:
        _load(tmp_path, text)
    return str(raised.value)


@pytest.mark.parametrize("name", ["digits", "glasses", "ordinal", "paired", "unpaired"])
def test_every_shipped_task_is_valid(name):
    found, task = load_task(name)
    assert found == name
    assert task.minutes in (20, 45)
    assert f"tf-translate compare run {name}" in tasks()[name]


def test_glasses_has_all_ten_methods():
    _, task = load_task("glasses")
    assert len(task.methods) == 10
    assert not task.not_applicable


def test_the_most_special_setting_wins(tmp_path):
    name, task = _load(tmp_path, MINE)
    assert name == "mine"
    assert task.settings_of("cyclegan") == {
        "data.path": "icons.csv", "data.size": [16, 16], "data.domain_column": "weight",
    }  # fmt: skip
    assert task.settings_of("fast")["training.batch_size"] == 8
    assert [task.preset_of(each) for each in task.methods] == ["cyclegan_small", "dualgan_small"]
    assert [task.direction_of(each) for each in task.methods] == ["a_to_b", "b_to_a"]
    assert [task.trained_as(each) for each in task.methods] == ["cyclegan", "fast"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("minutes = 2", "minutes = 2\nfetched = 1", "'fetched'; did you mean 'fetch.size'?"),
        ("minutes = 2", "minutes = 0", "minutes = 0 is not allowed: it must be above 0"),
        ('["images", "sets"]', '["set"]', "did you mean 'sets'?"),
        ('layout = "sets"', 'layout = "set"', "got 'set'; did you mean 'sets'?"),
        ("[settings.data]", "[settings.dta]", "settings must hold the groups model,"),
        (
            "[methods.fast]\npreset",
            "[methods.fast]\npreste",
            "no key 'methods.fast.preste'; did you mean 'methods.NAME.preset'",
        ),
        ("methods.fast", 'methods."a/b"', "must be letters, digits and underscores"),
        ("direction =", 'same_training_as = "fast"\ndirection =', "another of the methods"),
        ("direction =", 'same_training_as = "dtn"\ndirection =', "another of the methods"),
        (
            "direction =",
            'same_training_as = "cyclegan"\ndirection =',
            "preset of cyclegan is 'cyclegan_small', not 'dualgan_small'",
        ),
        ("minutes = 2", "minutes = ", "is not valid TOML"),
    ],
)
def test_a_mistake_ends_in_one_sentence(tmp_path, old, new, sentence):
    assert sentence in _mistake(tmp_path, MINE.replace(old, new))


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(ConfigError, match=r"there is no task 'glases'.*did you mean 'glasses'"):
        load_task("glases")
    with pytest.raises(ConfigError, match=r"there is no task file none\.toml"):
        load_task("none.toml")


def test_a_misspelt_key_is_named_rather_than_the_key_it_lacks(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text('title = "a"\nminute = 2\nprovides = []\n')
    with pytest.raises(ConfigError, match="no key 'minute'; did you mean 'minutes'"):
        load_task(str(path))


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"title": "a\\nb"}, r"fast\.title must be one line of at most 40 characters"),
        ({"title": " "}, r"fast\.title must be one line"),
        ({"title": "x" * 41}, r"fast\.title must be one line"),
        ({"keeps_content_by": "x" * 121}, "keeps_content_by must be one line of at most 120"),
        ({"title": "Slow"}, r"title must be its own, but \w+ has 'Slow' too"),
    ],
)
def test_a_text_of_a_method_that_a_report_has_no_room_for_is_refused(tmp_path, texts, sentence):
    lines = "".join(f'{key} = "{text}"\n' for key, text in texts.items())
    own = MINE.replace("[methods.fast]\n", f"[methods.fast]\n{lines}")
    if texts.get("title") == "Slow":
        own = own.replace("[methods.cyclegan]\n", '[methods.cyclegan]\ntitle = "Slow"\n')
    with pytest.raises(ConfigError, match=sentence):
        _load(tmp_path, own)
