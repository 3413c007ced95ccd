"""What data sets on disk offer methods."""

import pytest

from tests.data.image_files import ab_folders, named_pairs, plain
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.errors import ConfigError, DataError
from tf_translate.experiment.advise.inspect_data import inspect
from tf_translate.experiment.advise.user_data import Given, decide


def _table(folder, columns, rows):
    """A table with these rows, and one for validation, so that none is held out of them."""
    rows = [*rows, rows[0].replace("train", "validation")]
    for index in range(len(rows)):
        plain(folder / f"{index}.png", index, size=(8, 10))
    lines = [f"{index}.png,{row}" for index, row in enumerate(rows)]
    path = folder / "table.csv"
    path.write_text("\n".join([f"image,{columns}", *lines]) + "\n")
    return str(path)


def test_two_folders_are_two_sets_and_pairs_only_if_all_names_are_equal(tmp_path):
    found = inspect(str(ab_folders(tmp_path / "sets", size=(8, 12))))
    assert (found.given.pairs, found.given.sets) == (False, 2)
    assert found.counts == {"sets": 2}  # of the smaller set, of which one is held out
    assert any(line.startswith("of which 2 of the smaller set train") for line in found.lines)
    assert found.sides == ((8, 12), (8, 12))
    found = inspect(str(named_pairs(tmp_path / "pairs")))
    assert found.given.pairs
    assert found.counts == {"sets": 5, "pairs": 5}
    assert any("--no-pairs" in text for text in found.assumptions)
    equal = ab_folders(tmp_path / "equal", train_a=4, train_b=4)
    found = inspect(str(equal))
    assert not found.given.pairs
    assert found.assumptions == (
        "images with equal numbers for names are no pairs (else give --pairs)",
    )
    assert inspect(str(equal), pairs=True).given.pairs
    for path in (tmp_path / "equal").glob("*/*"):
        path.rename(path.with_name(f"x{path.name}"))
    found = inspect(str(equal))
    assert found.given.pairs
    assert any("data.layout=named_pairs" in text for text in found.assumptions)
    assert not inspect(str(equal), pairs=False).given.pairs


def test_folders_that_could_be_two_sets_and_tables_beside_images_are_said(tmp_path):
    for name in ("horses", "zebras"):
        for index in range(3):
            plain(tmp_path / name / f"{name}{index}.png", index)
    (tmp_path / "about.csv").write_text("image,stripes\n")
    found = inspect(str(tmp_path))
    assert found.given.sets == 1
    folders, table = found.assumptions
    assert "its folders (horses, zebras) hold two sets, name these trainA and trainB" in folders
    assert "about.csv --attribute COLUMN" in table


def test_folders_of_classes_are_labels(tmp_path):
    for side in "AB":
        for index in range(4):
            plain(tmp_path / f"train{side}" / f"c{index % 2}" / f"{side}{index}.png", index)
    assert inspect(str(tmp_path)).given.labels == "both"
    assert not inspect(str(tmp_path)).given.pairs
    for side in "AB":  # the same names in both
        for path in (tmp_path / f"train{side}").glob("*/*"):
            path.rename(path.with_name(f"x{path.name[1:]}"))
    paired = inspect(str(tmp_path)).given
    assert paired.pairs
    assert paired.labels == "both"
    (tmp_path / "trainB" / "c1").rename(tmp_path / "trainB" / "c2")
    assert inspect(str(tmp_path)).given.labels == "a"


def test_images_twice_as_wide_as_high_are_pairs_side_by_side(tmp_path):
    for index in range(3):
        plain(tmp_path / "train" / f"{index}.png", index, size=(8, 16))
    found = inspect(str(tmp_path))
    assert found.given.pairs
    assert found.counts == {"sets": 2, "pairs": 2}
    one_set = inspect(str(tmp_path), pairs=False)
    assert one_set.given.sets == 1
    plain(tmp_path / "train" / "3.png", 3, size=(8, 15))
    assert inspect(str(tmp_path)).given.sets == 1
    assert inspect(str(tmp_path), pairs=True).given.pairs


def test_a_folder_of_images_is_one_set_and_ages_in_names_are_levels(tmp_path):
    for index in range(3):
        plain(tmp_path / "plain" / f"{index}.png", index)
        plain(tmp_path / "ages" / f"{20 + index}_0_1_2017.png", index)
    found = inspect(str(tmp_path / "plain"))
    assert decide(Given(), found).supervision == {"images"}
    found = inspect(str(tmp_path / "ages"))
    assert found.given.levels
    assert decide(Given(), found).supervision >= {"attributes", "images"}


def test_a_table_offers_an_attribute_with_its_smaller_set_and_labels(tmp_path):
    rows = [f"{int(i < 3)},{'xy'[i % 2]},train" for i in range(24)]
    found = inspect(_table(tmp_path, "glasses,kind,split", rows))
    assert found.given.attributes
    assert found.given.object
    assert found.given.labels == "a"
    assert not found.given.levels
    assert found.counts == {"images": 24, "attributes": 24, "sets": 3}
    assert any("kind could be too (--attribute" in text for text in found.assumptions)


def test_rows_that_differ_in_the_attribute_alone_are_pairs(tmp_path):
    rows = [f"p{i // 2},{i % 2},train" for i in range(8)]
    path = _table(tmp_path, "person,glasses,split", rows)
    assert inspect(path).counts["pairs"] == 4
    rows[0] = "p9,0,train"
    assert not inspect(_table(tmp_path, "person,glasses,split", rows)).given.pairs


def test_a_column_of_several_numbers_has_levels_and_words_have_none(tmp_path):
    rows = [f"{i % 4},{'abc'[i % 3]},train" for i in range(12)]
    path = _table(tmp_path, "tone,hair,split", rows)
    found = inspect(path)
    assert found.given.levels
    assert any("tone is the attribute" in text for text in found.assumptions)
    assert any("tone are ordered levels (--no-levels)" in text for text in found.assumptions)
    assert "sets" not in found.counts  # which levels are two sets is for the user to say
    hair = inspect(path, attribute="hair")
    assert not hair.given.levels
    assert hair.counts["sets"] == 4
    with pytest.raises(ConfigError, match="did you mean 'hair'"):
        inspect(path, attribute="hare")
    with pytest.raises(ConfigError, match=r"a column of .* besides image and split"):
        inspect(path, attribute="split")


def test_a_column_that_could_be_the_attribute_is_named(tmp_path):
    groups = [f"{('young', 'middle', 'old')[i % 3]},train" for i in range(60)]
    found = inspect(_table(tmp_path / "groups", "age_group,split", groups))
    assert not found.given.attributes
    assert any("age_group could be (--attribute COLUMN)" in text for text in found.assumptions)
    ages = [f"{i},{'fm'[i % 2]},train" for i in range(60)]
    found = inspect(_table(tmp_path / "ages", "Age,gender,split", ages))
    assert found.given.levels
    assert "Age is the attribute to change; gender could be too" in found.assumptions[0]


def test_a_packed_data_set_offers_what_its_source_does(tmp_path):
    source = named_pairs(tmp_path / "pairs")
    data, layout = find_to_pack(str(source), "named_pairs")
    options = PackingOptions(sizes=(), channels=(), shard_bytes=2**20, on_error="stop")
    pack(data, tmp_path / "packed", options, layout=layout)
    found = inspect(str(tmp_path / "packed"))
    assert found.counts == {"sets": 5, "pairs": 5}


def test_damaged_images_are_counted_and_a_missing_folder_is_refused(tmp_path):
    for index in range(3):
        plain(tmp_path / "one" / f"{index}.png", index)
    (tmp_path / "one" / "1.png").write_bytes(b"no image")
    lines = inspect(str(tmp_path / "one")).lines
    assert any("images looked at cannot be read (first: " in line for line in lines)
    with pytest.raises(DataError, match="there is no folder"):
        inspect(str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="holds two domains"):
        inspect("samples:flat_to_3d", attribute="a")


@pytest.mark.parametrize(
    ("sample", "task_of"),
    [("flat_to_3d", "pairs"), ("3d_to_noto", "sets"), ("avatars", "attributes")],
)
def test_samples_are_read(sample, task_of):
    assert task_of in decide(Given(), inspect(f"samples:{sample}")).supervision
