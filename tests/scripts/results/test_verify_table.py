"""The verify table: its rows are what verify found, its Markdown what the page shows."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import exporters
from tests.exporters.fakes import negative, noise

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPTS / "verify_table.py"), run_name="verify_table")


def test_rows_are_the_metrics_of_held_out_images(script, tmp_path):
    bundle = exporters.export(
        {"a_to_b": negative()},
        tmp_path / "mine",
        golden_images={"a_to_b": {"image": noise(3, 8, 12, 3)}},
    )
    rows = script["rows"]("mine", bundle)
    assert [(row["recipe"], row["signature"]) for row in rows] == [
        (recipe, signature)
        for recipe in ("saved_model", "float32")
        for signature in ("a_to_b", "a_to_b_uint8")
    ]
    for row in rows:
        assert row["images"] == 3
        assert row["passed"] is True
        assert row["max_abs"] == 0  # the negative is exact
        assert row["colour_shift"] == [0, 0, 0]
    assert rows[2]["bytes"] == (bundle / "float32.tflite").stat().st_size
    parts = [p.stat().st_size for p in (bundle / "saved_model").rglob("*") if p.is_file()]
    assert rows[0]["bytes"] == np.sum(parts)
    assert (tmp_path / "mine.png").is_file()


def test_a_recipe_that_does_not_export_is_left_out_with_its_reason(script, tmp_path, monkeypatch):
    asked = []

    def export(signatures, bundle, *, recipes, **_):
        asked.append(list(recipes))
        if "int16x8" in recipes:
            raise exporters.ExportError("recipe 'int16x8': signature 'f' does not run")

    class Trained:
        class translator:
            signatures = staticmethod(dict)

    names = script["export"].__globals__
    monkeypatch.setattr(exporters, "export", export)
    for name in ("calibration_inputs", "golden_images", "source_of", "judges_of"):
        monkeypatch.setitem(names, name, lambda *_: {})
    refused = script["export"](Trained, tmp_path / "b", ["float32", "int16x8"], 4)
    assert refused == {"int16x8": "recipe 'int16x8': signature 'f' does not run"}
    assert asked == [["float32", "int16x8"], ["float32"]]


def test_the_readmes_table_has_a_column_a_recipe_and_marks_what_misses():
    table = runpy.run_path(str(SCRIPTS / "result_tables.py"))["table"]

    def row(recipe, psnr, ssim, passed, signature="a_to_b", size=1_200_000):
        row = {"model": "fader", "recipe": recipe, "signature": signature, "output": "image"}
        return row | {"images": 16, "psnr": psnr, "ssim": ssim, "bytes": size, "passed": passed}

    result = {
        "command": "scripts/results/verify_table.py FOLDER fader=RUN",
        "verification": [
            row("saved_model", None, 1.0, True),
            row("int8", 31.26, 0.98765, False),
            row("int8", 31.26, 0.98765, False, signature="a_to_b_uint8"),
            row("int8", 40.0, None, True, signature="encode"),
        ],
        "not exported": {"fader": {"int16x8": "it does not run"}},
    }
    assert table(result).splitlines()[2:] == [
        "| model | signature | images | saved_model | int8 |",
        "|---|---|---|---|---|",
        "| fader | a_to_b | 16 | equal / 1.0000 | 31.3 / 0.9877 ✗ |",
        "| fader | encode | 16 | – | 40.0 |",
        "",
        "Megabytes: fader saved_model 1.2, int8 1.2.",
        "Not exported: fader, int16x8: it does not run",
    ]
