"""The data of cells: the same people and the same keys in every layout."""

import numpy as np
import pytest

from tests.data.image_files import plain, values
from tests.experiment.compare.cells.shipped import comparison_on, config_of
from tf_translate import images
from tf_translate.data.domain_dataset import DomainDataset
from tf_translate.experiment.compare.cells.cell_images import chosen_by_seed, image_keys
from tf_translate.experiment.compare.cells.choose_cells import choose_cells
from tf_translate.experiment.dataset import open_dataset
from tf_translate.experiment.eval_sets.directions import direction_names


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
    for cell in choose_cells(comparison_on(data=people), [], 1):
        data = open_dataset(config_of(cell))
        if isinstance(data, DomainDataset):
            sides = data.arrays("test")
        else:
            sides = (data.images("test", at=range(data.splits["test"])),)
        keys = image_keys(images.to_uint8(np.concatenate(sides)))
        assert len(set(keys)) == 8, cell.name
        found.append(set(keys[chosen_by_seed(keys, 4)]))
    assert all(each == found[0] for each in found)


def test_all_methods_learn_from_the_same_people_and_none_from_a_held_out_one(people):
    cells = choose_cells(comparison_on(data=people), [], 1)
    assert len(cells) == 10
    for cell in cells:
        data = open_dataset(config_of(cell))
        tested = [16 * person + 8 * glasses for person in range(10, 14) for glasses in (0, 1)]
        assert sorted(_shades(data, "test")) == tested, cell.name
        learned = [shade // 16 for shade in _shades(data, "train")]
        times = 2 if cell.name == "pix2pix" else 1
        assert sorted(learned) == sorted([*range(6)] * times), cell.name


def test_the_truth_of_an_edit_is_the_same_person_in_every_layout(people):
    for name in ("pix2pix", "cyclegan", "genegan"):
        data = open_dataset(config_of(comparison_on(data=people).cell(name, 0)))
        assert data.has_truth("test")
        a, b = (np.array(values(side)) for side in data.arrays("test"))
        assert (a // 16 == b // 16).all()
        assert (np.abs(a - b) == 8).all()
    pairs = open_dataset(config_of(comparison_on(data=people).cell("pix2pix", 0)))
    a, b = (np.array(values(side)) for side in pairs.arrays("train"))
    assert (b - a == 8).all()


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
    assert direction_names(config_of(comparison_on().cell(name, 0))) == names
