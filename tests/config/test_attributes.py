"""Encoding of attributes as columns of values."""

import pytest

from tf_translate.config.attributes import Attributes

ATTRIBUTES = Attributes({"glasses": ["0", "1"], "age": ["0-18", "19-29", "60+"]})


def test_an_attribute_of_two_values_is_one_column_and_one_of_more_a_column_each():
    assert ATTRIBUTES.columns == ("glasses", "age=0-18", "age=19-29", "age=60+")
    assert ATTRIBUTES.spans == ((0, 1), (1, 4))
    assert ATTRIBUTES.categories == 5


@pytest.mark.parametrize(
    ("age", "code"),
    [("0", [1, 0, 0]), ("18.9", [1, 0, 0]), ("19", [0, 1, 0]), ("99", [0, 0, 1]),
     ("60+", [0, 0, 1])],
)  # fmt: skip
def test_ranges_of_an_attribute_include_both_ends(age, code):
    assert ATTRIBUTES.encode({"glasses": "1", "age": age}) == [1.0, *code]


@pytest.mark.parametrize("age", ["35", "old", "", "-1"])
def test_a_value_outside_all_ranges_is_refused(age):
    with pytest.raises(ValueError, match="age must be one of 0-18, 19-29, 60"):
        ATTRIBUTES.encode({"glasses": "0", "age": age})


@pytest.mark.parametrize("values", [["1"], ["1", "1"]])
def test_an_attribute_needs_two_different_values(values):
    with pytest.raises(ValueError, match="at least two different values"):
        Attributes({"glasses": values})
    with pytest.raises(ValueError, match="at least one attribute"):
        Attributes({})
