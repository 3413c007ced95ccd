"""The table of verified recipes: its rows are the metrics of `verify`; its Markdown shows them."""

import numpy as np
import pytest

import exporters
from scripts.results import verify_table
from scripts.results.tables import table
from tests.exporters.fakes import negative, noise


@pytest.mark.thorough
def test_rows_are_the_metrics_of_held_out_images(tmp_path):
    bundle = exporters.export(
        {"a_to_b": negative()},
        tmp_path / "mine",
        golden_images={"a_to_b": {"image": noise(3, 8, 12, 3)}},
    )
    rows = verify_table.measure("mine", bundle)
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
    sizes = [p.stat().st_size for p in (bundle / "saved_model").rglob("*") if p.is_file()]
    assert rows[0]["bytes"] == np.sum(sizes)
    assert (tmp_path / "mine.png").is_file()


def test_a_recipe_that_cannot_be_exported_is_left_out_with_its_reason(tmp_path, monkeypatch):
    attempts = []

    def export(signatures, bundle, *, recipes, **_):
        attempts.append(list(recipes))
        if "int16x8" in recipes:
            raise exporters.ExportError("recipe 'int16x8': signature 'f' does not run")

    class Trained:
        class config:
            class data:
                aspect = "stretch"

        class translator:
            signatures = staticmethod(dict)

    monkeypatch.setattr(exporters, "export", export)
    for name in ("calibration_inputs", "golden_images", "source_of", "judge_files"):
        monkeypatch.setattr(verify_table, name, lambda *_: {})
    refused = verify_table.export(Trained, tmp_path / "b", ["float32", "int16x8"], 4)
    assert refused == {"int16x8": "recipe 'int16x8': signature 'f' does not run"}
    assert attempts == [["float32", "int16x8"], ["float32"]]


def test_the_table_has_a_column_per_recipe_and_marks_outputs_out_of_tolerance():
    def row(recipe, psnr, ssim, passed, signature="a_to_b", size=1_200_000):
        row = {"model": "fader", "recipe": recipe, "signature": signature, "output": "image"}
        return row | {"images": 16, "psnr": psnr, "ssim": ssim, "bytes": size, "passed": passed}

    result = {
        "command": "python -m scripts.results.verify_table FOLDER fader=RUN",
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
