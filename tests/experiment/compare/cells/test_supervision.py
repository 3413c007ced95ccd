"""Which methods a task compares, and why the others are not."""

import pytest

from scripts.results.methods_table import own_methods
from tf_translate.config.task import load_task
from tf_translate.errors import ConfigError
from tf_translate.experiment.compare.cells.supervision import (
    applicable,
    lacking_supervision,
    not_compared,
)


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


def test_a_method_whose_preset_does_not_exist_is_named(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text(
        'title = "a"\nminutes = 1\nprovides = ["sets"]\n'
        '[layouts.sets]\nshows = "a"\nuses = ["sets"]\n[methods.cycelgan]\nlayout = "sets"\n'
    )
    with pytest.raises(ConfigError, match=r"methods.cycelgan of the task .* 'cyclegan_small'\?"):
        not_compared(load_task(str(path))[1])
