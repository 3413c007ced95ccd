"""The metrics of Age-cGAN's ablation, and which images they compare."""

from types import SimpleNamespace

import numpy as np

from scripts.ablations.age_cgan import People, _people, measure


def _image_of(person, level):
    """An image of two pixels: the person, and the level."""
    return np.array([person, level], np.float32).reshape(1, 2, 1)


def _judges():
    def embed(images):
        return np.eye(4)[images[:, 0, 0, 0].astype(int)]

    def predict(images):
        return images[:, 0, 1, 0].astype(int)

    return SimpleNamespace(person=embed, level=SimpleNamespace(predict=predict))


def test_reconstructions_and_translations_have_separate_metrics_of_person_and_level():
    levels = np.array([0, 2])
    gallery = [np.stack([_image_of(who, level) for who in range(2)]) for level in range(3)]
    people = People(np.stack([_image_of(0, 0), _image_of(1, 2)]), levels, gallery)
    # Level 0 is correct; at level 1 both are the second person; level 2 looks like level 0.
    decoded = [gallery[0], np.stack([_image_of(1, 1), _image_of(1, 1)]), gallery[0]]
    assert measure(decoded, people, _judges()) == {
        # True levels: 0 of the first person, and 2 of the second, which looks like 0.
        "reconstruction: identity retrieval@1": 1.0,
        "reconstruction: level accuracy": 0.5,
        "reconstruction: level error": 1.0,
        # Other levels: 1 (wrong person) and 2 (looks like 0) of the first; 0 and 1 of the second.
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
        groups=lambda split: who,
        images=lambda split, at: np.stack([_image_of(int(i), levels[i]) for i in at]),
    )


def test_the_gallery_of_a_level_holds_all_people_at_that_level():
    data = _data(("a", "a", "a", "b", "b", "b", "c"), [0, 1, 2, 2, 1, 0, 0])
    people = _people(data, 5)
    # c has only one level and is left out. The input of a has level 0, of b level 1: rows 0, 4.
    assert people.levels.tolist() == [0, 1]
    assert people.images[:, 0, 0, 0].tolist() == [0, 4]
    shown = [images[:, 0, 0, 0].tolist() for images in people.gallery]
    assert shown == [[0, 5], [1, 4], [2, 3]]


def test_without_groups_the_gallery_of_every_level_holds_the_input_images():
    people = _people(_data(None, [0, 1, 2, 2]), 2)
    assert people.levels.tolist() == [0, 2]
    assert [images[:, 0, 0, 0].tolist() for images in people.gallery] == [[0, 3]] * 3
