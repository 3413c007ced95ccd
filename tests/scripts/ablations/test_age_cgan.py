"""What scripts/ablations/age_cgan.py counts."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import ablate_age_cgan

    yield ablate_age_cgan
    sys.modules.pop("ablate_age_cgan", None)


def _person(who, level):
    """A image of two pixels: who it is, and the level."""
    return np.array([who, level], np.float32).reshape(1, 2, 1)


def _judges():
    def features(images):
        return np.eye(4)[images[:, 0, 0, 0].astype(int)]

    def says(images):
        return images[:, 0, 1, 0].astype(int)

    return SimpleNamespace(person=features, level=SimpleNamespace(says=says))


def test_people_and_levels_are_counted_apart_for_reconstructions_and_translations(script):
    levels = np.array([0, 2])
    gallery = [np.stack([_person(who, level) for who in range(2)]) for level in range(3)]
    people = script.People(np.stack([_person(0, 0), _person(1, 2)]), levels, gallery)
    # Level 0 is drawn right; level 1 has the first person as the second; level 2 looks like 0.
    drawn = [gallery[0], np.stack([_person(1, 1), _person(1, 1)]), gallery[0]]
    assert script.measure(drawn, people, _judges()) == {
        # Own num_downsamples: the first person's 0 and the second's 2, which looks like 0.
        "reconstruction: identity retrieval@1": 1.0,
        "reconstruction: level accuracy": 0.5,
        "reconstruction: level error": 1.0,
        # The others: first person's 1 (wrong person) and 2 (looks like 0), second's 0 and 1.
        "translation: identity retrieval@1": 0.75,
        "translation: level accuracy": 0.75,
        "translation: level error": 0.5,
    }


def _data(who, levels):
    levels = np.array(levels)
    each = (SimpleNamespace(name="tone", values=("0", "1", "2")),)
    return SimpleNamespace(
        attributes=SimpleNamespace(each=each),
        splits={"train": 1, "test": len(levels)},
        values=lambda split: np.eye(3)[levels],
        twins=lambda split: who,
        images=lambda split, at: np.stack([_person(int(i), levels[i]) for i in at]),
    )


def test_people_are_found_among_all_people_of_the_level_wanted(script):
    data = _data(("a", "a", "a", "b", "b", "b", "c"), [0, 1, 2, 2, 1, 0, 0])
    people = script._people(data, 5)
    # c is left out: it has one level alone. a is shown at level 0, b at 1: images 0 and 4.
    assert people.levels.tolist() == [0, 1]
    assert people.images[:, 0, 0, 0].tolist() == [0, 4]
    shown = [images[:, 0, 0, 0].tolist() for images in people.gallery]
    assert shown == [[0, 5], [1, 4], [2, 3]]


def test_without_twins_they_are_found_among_those_that_were_shown(script):
    people = script._people(_data(None, [0, 1, 2, 2]), 2)
    assert people.levels.tolist() == [0, 2]
    assert [images[:, 0, 0, 0].tolist() for images in people.gallery] == [[0, 3]] * 3
