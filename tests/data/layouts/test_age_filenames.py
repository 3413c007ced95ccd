"""Ages from file names of UTKFace and IMDB-Wiki, and names without an age."""

import pytest

from tests.data.image_files import plain
from tf_translate.data.layouts.age_filenames import read_ages
from tf_translate.errors import DataError


def test_utkface_names_hold_age_gender_and_race_also_with_two_suffixes(tmp_path):
    plain(tmp_path / "part1" / "25_0_1_20170116174525125.jpg.chip.jpg", 1)
    plain(tmp_path / "part2" / "100_1_4_20170110183726390.jpg", 2)
    plain(tmp_path / "61_1_20170109142408075.jpg", 3)  # a few names of UTKFace lack the race
    plain(tmp_path / "117_0_0_2017.jpg", 4)  # above the highest age of UTKFace
    table = read_ages(tmp_path)
    assert table.columns == ("image", "age", "gender", "race")
    assert [row for _, row in table.rows] == [
        {
            "image": "part1/25_0_1_20170116174525125.jpg.chip.jpg",
            "age": "25",
            "gender": "0",
            "race": "1",
        },
        {
            "image": "part2/100_1_4_20170110183726390.jpg",
            "age": "100",
            "gender": "1",
            "race": "4",
        },
    ]


def test_names_of_two_data_sets_in_one_folder_are_refused(tmp_path):
    plain(tmp_path / "25_0_1_2017.jpg", 1)
    plain(tmp_path / "nm0000001_1899-5-10_1968.jpg", 2)
    with pytest.raises(
        DataError, match=r"mixes names.*nm0000001_1899-5-10_1968\.jpg; use one folder"
    ):
        read_ages(tmp_path)


def test_a_folder_without_ages_in_its_names_is_refused_with_examples(tmp_path):
    plain(tmp_path / "me.jpg", 1)
    with pytest.raises(DataError, match=r"no image in .* such as 25_0_1_2017\.jpg \(UTKFace\)"):
        read_ages(tmp_path)


def test_images_without_an_age_in_their_name_are_listed_as_skipped(tmp_path):
    for name in ("25_0_1_2017.jpg", "me.jpg", "130_0_1_2017.jpg"):
        plain(tmp_path / name, 1)
    table = read_ages(tmp_path)
    assert [location for location, _ in table.rows] == ["25_0_1_2017.jpg"]
    assert table.skipped == tuple(
        f"{tmp_path / name}: its file name holds no age" for name in ("130_0_1_2017.jpg", "me.jpg")
    )
