import pytest

from exporters.convert.recipes import RECIPES, Tolerance, get_recipe
from exporters.errors import ExportError


def test_the_recipes_are_known_by_their_own_names():
    assert list(RECIPES) == [
        "float32",
        "float16",
        "dynamic_int8",
        "int8",
        "int8_float_norm",
        "int16x8",
    ]
    assert all(recipe.name == name for name, recipe in RECIPES.items())


def test_float32_allows_a_ten_thousandth_and_one_level():
    recipe = get_recipe("float32")
    assert recipe.float_tolerance == Tolerance(max_abs=1e-4)
    assert recipe.uint8_tolerance == Tolerance(max_abs=1)


def test_smaller_weights_never_have_tighter_tolerances():
    limits = [get_recipe(name).float_tolerance.psnr for name in ("float16", "dynamic_int8")]
    assert limits == sorted(limits, reverse=True)


def test_ten_times_the_error_is_twenty_decibels_less():
    limits = Tolerance(max_abs=1e-4, mean_abs=1e-5, psnr=50.0).widened(10.0)
    assert limits.max_abs == pytest.approx(1e-3)
    assert limits.mean_abs == pytest.approx(1e-4)
    assert limits.psnr == pytest.approx(30.0)
    assert Tolerance(max_abs=1.0).widened(10.0) == Tolerance(max_abs=10.0)


@pytest.mark.parametrize(
    ("name", "nearest"), [("float_16", "float16"), ("dynamic-int8", "dynamic_int8")]
)
def test_an_unknown_recipe_names_the_nearest(name, nearest):
    with pytest.raises(ExportError, match=f"there is no recipe '{name}'; did you mean '{nearest}'"):
        get_recipe(name)


def test_a_recipe_like_no_other_lists_all():
    with pytest.raises(ExportError, match=r"'zzz'; known are float32, float16, dynamic_int8"):
        get_recipe("zzz")
