"""Summaries of comparisons, and files that are none."""

import json

import pytest

from tests.experiment.advise.synthetic_results import results
from tf_translate.errors import ConfigError, RunError
from tf_translate.experiment.advise.results import read_summary, summarize


def _write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_a_file_of_collect_a_folder_of_cells_and_a_summary_give_the_same(tmp_path):
    found = results({"dtn": (0.25, 0.5)})
    for each in found["cells"]:
        folder = tmp_path / "cells" / f"dtn-{each['seed']}"
        folder.mkdir(parents=True)
        each["missing"] = ["images.png", "per_image.npz"]
        record = {key: value for key, value in each.items() if key != "metrics"}
        _write(folder / "cell.json", record)
        _write(folder / "metrics.json", each["metrics"])
    of_file = read_summary(_write(tmp_path / "results.json", found))
    method = of_file.tasks["unpaired"].methods["dtn"]
    assert method.completeness == (0.25, 0.5)
    assert method.intervals == ((0.24, 0.26), (0.49, 0.51))
    assert method.seeds_without_scores == (0, 1)
    assert method.metrics["domain/accuracy"].mean == 0.9
    assert of_file.tasks["unpaired"].fixed_rows["random target"]["content/margin"] == -0.5
    assert read_summary(tmp_path / "cells").tasks == of_file.tasks
    written = _write(tmp_path / "summary.json", of_file.model_dump_json())
    assert read_summary(written) == of_file


def test_costs_are_those_of_each_file_of_a_method():
    found = results({"dtn": (0.25, 0.5)})
    files = {
        "float32": {"size_bytes": 6_000_000, "median_ms": 5.0},
        "dynamic_int8": {"size_bytes": 1_500_000, "median_ms": 8.0},
    }
    found["costs"] = {
        "unpaired": {
            "methods": {"dtn": {"multiply_adds": 7, **files}},
            "machine": {"processor": "Chip", "cores": 2},
            "threads": 1,
        }
    }
    task = summarize(found).tasks["unpaired"]
    costs = {
        name: (each.megabytes, each.milliseconds)
        for name, each in task.methods["dtn"].files.items()
    }
    assert costs == {"float32": (6.0, 5.0), "dynamic_int8": (1.5, 8.0)}
    assert task.timed_on == "Chip, 2 cores, 1 thread"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is no file of `tf-translate compare collect`"),
        ('{"cells": [{"task": "x"}], "command": "", "date": ""}', "is no file of"),
        ('{"cells": [], "command": "", "date": ""}', "must hold the results of a method"),
        ('{"format": "tf_translate comparison summary"}', "results.json: .*command"),
    ],
)
def test_a_file_that_holds_no_results_is_refused_in_one_sentence(tmp_path, text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read_summary(_write(tmp_path / "results.json", text))


@pytest.mark.parametrize("value", ["x", [0.5], {"a": 1}])
def test_values_that_are_no_numbers_are_refused(tmp_path, value):
    found = results({"dtn": (0.5, 0.5)})
    output = found["cells"][1]["metrics"]["directions"]["a_to_b"]["results"]["output"]
    output["completeness"] = value
    with pytest.raises(ConfigError):
        read_summary(_write(tmp_path / "results.json", found))


def test_missing_results_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no"):
        read_summary(tmp_path / "none.json")
    with pytest.raises(RunError, match="has no finished cell"):
        read_summary(tmp_path)
