"""What `verify` says on a recipe that fails: which files of the bundle pass."""

import math

import pytest

from exporters import RECIPES, Verification
from exporters.verification.image_metrics import OutputDifference
from exporters.verification.report import FileCheck, OutputCheck

SIZES = {"float32": 11_400_000, "int8": 2_900_000, "int8_float_norm": 3_000_000}


def check(recipe, psnr, *, fault=None, held_out=None, max_abs=0.0):
    def difference(value):
        return OutputDifference(2, max_abs, max_abs, value)

    return OutputCheck(
        recipe,
        "a_to_b",
        "image",
        difference(psnr),
        None if held_out is None else difference(held_out),
        None,
        RECIPES[recipe].float_tolerance,
        fault,
    )


def verification(*outputs, faults=(), sizes=SIZES):
    files = (FileCheck("manifest.json", None),)
    return Verification("bundle", files, outputs, faults, (), sizes)


def test_a_failing_recipe_is_named_with_those_that_pass_the_smallest_first():
    found = verification(
        check("float32", math.inf),
        check("int8", 30.0, held_out=21.04, fault="int8: ..."),
        check("int8_float_norm", 40.0, held_out=31.0),
    )
    (failing,) = found.failing_recipes
    assert failing.sentence() == (
        "int8 fails (21.0 dB, limit 25): int8_float_norm passes (31.0 dB, 3.0 MB), "
        "float32 passes (equal outputs, 11.4 MB)"
    )
    assert found.as_dict()["failing_recipes"] == [
        {
            "recipe": "int8",
            "reason": "21.0 dB, limit 25",
            "psnr": 21.04,
            "passing": [
                {"recipe": "int8_float_norm", "psnr": 31.0, "bytes": 3_000_000},
                {"recipe": "float32", "psnr": None, "bytes": 11_400_000},
            ],
            "suggested": None,
        }
    ]


def test_without_a_file_that_passes_another_export_is_suggested():
    sizes = {"int8": 90_000}
    failed = verification(check("int8", 21.0, fault="int8: ..."), sizes=sizes)
    assert failed.failing_recipes[0].sentence() == (
        "int8 fails (21.0 dB, limit 25): no other file of the bundle passes; export with "
        "--recipe float16"
    )


def test_a_recipe_that_failed_too_is_not_suggested():
    def sentences(*recipes):
        checks = [check(name, 21.0, fault="...") for name in recipes]
        found = verification(*checks, sizes=dict.fromkeys(recipes, 90_000)).failing_recipes
        return [each.sentence().partition("): ")[2] for each in found]

    none = "no other file of the bundle passes"
    assert sentences("int8", "float16") == [f"{none}; export with --recipe float32"] * 2
    assert sentences("int8", "float16", "float32") == [none] * 3


@pytest.mark.parametrize(
    ("outputs", "faults", "reason"),
    [
        ([check("float32", 40.0, fault="...", max_abs=0.01)], (), "off by 0.01, limit 0.0001"),
        ([check("float32", math.nan, fault="...")], (), "values that are not finite"),
        ([check("int8", 50.0, fault="...")], (), "outside of its value range"),
        ([], ("int8 cannot be replayed: no",), "it was not replayed"),
        (
            [check("int8", 50.0)],
            ("int8: output 'image' of 'a_to_b_uint8' is",),
            "its pixels differ",
        ),
    ],
)
def test_the_reason_is_stated(outputs, faults, reason):
    found = verification(*outputs, faults=faults).failing_recipes
    assert any(each.reason.startswith(reason) for each in found)


def test_a_bundle_that_passes_has_no_failing_recipe():
    passing = verification(check("float32", 90.0), sizes={"float32": 5})
    assert passing.failing_recipes == ()
    assert passing.passed
