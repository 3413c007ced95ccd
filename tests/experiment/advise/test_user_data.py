"""What options and files together say."""

import pytest

from tf_translate.errors import ConfigError
from tf_translate.experiment.advise.choose_task import choose_task
from tf_translate.experiment.advise.user_data import Found, Given, check, decide


@pytest.mark.parametrize(
    ("given", "supervision", "task"),
    [
        (Given(pairs=True), {"pairs", "sets"}, "paired"),
        (Given(sets=2), {"sets"}, "unpaired"),
        (Given(sets=2, object=True), {"sets"}, "glasses"),
        (Given(object=True), {"sets"}, "glasses"),
        (Given(sets=2, labels="both"), {"sets", "labels"}, "digits"),
        (Given(sets=2, labels="a"), {"sets", "labels"}, "unpaired"),
        (Given(attributes=True), {"attributes", "images", "sets"}, "glasses"),
        (Given(levels=True), {"attributes", "images", "sets"}, "ordinal"),
        (Given(attributes=True, pairs=True), {"attributes", "images", "sets", "pairs"}, "glasses"),
        (Given(sets=1), {"images"}, "glasses"),
    ],
)
def test_options_say_what_methods_can_learn_from_and_which_task_is_alike(given, supervision, task):
    data = decide(given)
    assert data.supervision == supervision
    assert choose_task(data, [])[0] == task


def test_options_come_before_files_and_both_before_assumptions():
    found = Found(
        Given(pairs=True, sets=2, labels="a"), {"sets": 9, "pairs": 9}, assumptions=("x",)
    )
    data = decide(Given(), found)
    assert data.supervision == {"pairs", "sets", "labels"}
    assert data.counts == {"sets": 9, "pairs": 9}
    assert data.assumptions[0] == "x"
    assert not any("counterpart" in text for text in data.assumptions)  # the files told
    none_found = Found(Given(pairs=False, sets=2), {"sets": 9})
    assert any(
        "the files show none" in t for t in decide(Given(pairs=True), none_found).assumptions
    )
    data = decide(Given(pairs=False, labels="none", images=5), found)
    assert data.supervision == {"sets"}
    assert data.counts == {"sets": 5}


def test_each_assumption_names_the_option_that_says_otherwise():
    said = " ".join(decide(Given(sets=2)).assumptions)
    assert all(option in said for option in ("--pairs", "--object", "--labels", "--images"))
    assert decide(Given(False, 2, False, False, False, "none", 5)).assumptions == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Given(sets=3), "--sets must be 1 or 2, got 3"),
        (Given(sets=1, pairs=True), "--pairs are of two sets"),
        (Given(sets=1, object=True), "--object tells two sets apart"),
        (Given(levels=True, attributes=False), "leave out --no-attributes or --levels"),
        (Given(labels="b"), "--labels must be none, a or both, got 'b'"),
        (Given(images=0), "--images must be at least 1, got 0"),
    ],
)
def test_options_that_contradict_each_other_are_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check(given)


def test_nothing_said_and_a_column_without_a_table_are_refused():
    with pytest.raises(ConfigError, match="give --data PATH, or one of --pairs"):
        decide(Given(images=5))
    with pytest.raises(ConfigError, match="add --data"):
        check(Given(), attribute="glasses")


def test_the_task_is_that_of_the_results_where_it_is_one_of_the_users_own():
    data = decide(Given(sets=2))
    assert choose_task(data, ["mine"])[0] == "mine"
    assert choose_task(data, ["mine", "paired"])[0] == "unpaired"
    assert choose_task(data, ["mine", "paired"], "mine") == ("mine", "--task names it")
    with pytest.raises(ConfigError, match="did you mean 'paired'"):
        choose_task(data, [], "pared")
