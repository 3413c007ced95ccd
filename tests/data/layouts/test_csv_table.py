"""Tables of text: separators, byte order marks, line ends, and header lines that are not clear."""

import os
import shutil
from pathlib import Path

import pytest

from tests.data.image_files import config, plain, values
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.layouts.csv_table import read_csv, read_header
from tf_translate.errors import DataError

CASES = Path(__file__).parents[2] / "fixtures" / "cases"


def table(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def message(path, required=("image",)) -> str:
    with pytest.raises(DataError) as raised:
        read_csv(path, required)
    return str(raised.value)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_separator_in_the_header_line_separates_all_cells(tmp_path, separator, line_end, mark):
    lines = (f"image{separator}label", f"0.png{separator}x", "", f'1.png{separator}"a,b;c\td"')
    path = table(tmp_path, mark + line_end.join(lines) + line_end)
    assert [cells for _, cells in read_csv(path, ("image",))] == [
        {"image": "0.png", "label": "x"},
        {"image": "1.png", "label": "a,b;c\td"},
    ]
    assert read_header(path) == ("image", "label")


def test_the_table_of_the_case_is_read_with_its_semicolons(tmp_path):
    path = Path(shutil.copy(CASES / "semi.csv", tmp_path))
    rows = [cells for _, cells in read_csv(path, ("image", "label"))]
    assert [row["label"] for row in rows] == ["0", "1"] * (len(rows) // 2)
    for i, row in enumerate(rows):
        plain(tmp_path / row["image"], 20 * i)
    data = open_image_dataset(config(path))
    counts = data.splits
    found = [v for name, n in counts.items() for v in values(data.images(name, at=range(n)))]
    assert sorted(found) == pytest.approx([20 * i for i in range(len(rows))], abs=2)  # JPEG


def test_a_table_of_pairs_may_be_separated_by_semicolons_or_tabs(tmp_path):
    plain(tmp_path / "x.png", 1)
    plain(tmp_path / "y.png", 2)
    for name, separator in (("t.csv", ";"), ("t.tsv", "\t")):
        path = table(
            tmp_path,
            f"split{separator}a{separator}b\ntrain{separator}x.png{separator}y.png\n",
            name,
        )
        a, b = open_domain_dataset(config(path), paired=True).arrays("train")
        assert (values(a), values(b)) == ([1], [2])


def test_a_tab_separated_table_of_one_set_is_read(tmp_path):
    plain(tmp_path / "x.png", 7)
    path = table(tmp_path, "image\tsplit\r\nx.png\ttrain\r\n", "t.tsv")
    assert values(open_image_dataset(config(path)).images("train", at=[0])) == [7]


def test_a_header_line_with_two_separators_is_refused_and_both_are_named(tmp_path):
    path = table(tmp_path, "image,size (cm;mm)\nx.png,1\n")
    sentence = message(path)
    assert str(path) in sentence
    assert "holds a comma (',') and a semicolon (';'), so the separator is not clear" in sentence
    quoted = table(tmp_path, 'image,"size (cm;mm)"\nx.png,1\n')
    assert read_csv(quoted, ("image",)) == [(2, {"image": "x.png", "size (cm;mm)": "1"})]


def test_a_missing_column_is_told_with_the_separator_that_was_used(tmp_path):
    sentence = message(table(tmp_path, "picture;label\nx.png;1\n"))
    assert "no column image" in sentence
    assert "read with a semicolon between names it has picture, label" in sentence


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("image,x,x\n0.png,1,2\n", "names the column 'x' twice"),
        ("image,x\n0.png,1,5\n", "line 2: 3 cells"),
        ("image,x\n0.png,1\n1.png,1,2,3\n", "line 3: 4 cells"),
        ("", "no column image"),
        ("\n\n", "no column image"),
        (b"image,x\n\xff\xfe,1\n", "cannot be read as UTF-8"),
        ("image,x\n0.png," + '"' + "x" * 200_000, "field larger than field limit"),
        ("image," + "x" * 2**20, "line 1 of the table"),
        ("image,x\n" + "y" * 2**20, "line 2 of the table"),
    ],
)
def test_tables_that_cannot_be_read_are_refused_in_one_sentence(tmp_path, text, reason):
    path = table(tmp_path, text)
    sentence = message(path)
    assert str(path) in sentence
    assert reason in sentence


def test_a_table_of_other_text_is_refused_and_not_taken_for_none(tmp_path):
    path = table(tmp_path, "image,é\n0.png,1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"t\.csv cannot be read as UTF-8 csv"):
        read_header(path)


def test_a_vast_file_is_refused_before_it_is_read(tmp_path):
    path = table(tmp_path, "image,x\n0.png,1\n")
    os.truncate(path, 2**40)  # a sparse file: it takes no space
    assert f"line 3 of the table {path} is longer than 1048576 characters" in message(path)


def test_cells_that_are_missing_at_the_end_of_a_row_are_empty(tmp_path):
    path = table(tmp_path, "image,x,y,\n0.png\n1.png,1,2,,\n")
    assert [cells for _, cells in read_csv(path, ("image",))] == [
        {"image": "0.png", "x": "", "y": ""},
        {"image": "1.png", "x": "1", "y": "2"},
    ]
