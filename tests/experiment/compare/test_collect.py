"""Results of cells over seeds."""

import json

import pytest

from tf_translate.errors import RunError
from tf_translate.experiment.compare.collect import better, collect, write


def _cell(folder, name, seed, score, *, identity=0.1):
    folder = folder / "glasses" / f"{name}-{seed}"
    folder.mkdir(parents=True)
    record = {"task": "glasses", "name": name, "method": name, "seed": seed, "direction": "add"}
    record |= {"steps": 10, "budget_minutes": 45.0}
    results = {
        "output": {"completeness": score, "domain/kid": None},
        "identity": {"completeness": identity},
        "ground truth": {"completeness": 1.0},
    }
    metrics = {"completeness": {"better": "higher"}}
    found = {"directions": {"add": {"results": results, "metrics": metrics}}}
    (folder / "cell.json").write_text(json.dumps(record))
    (folder / "metrics.json").write_text(json.dumps(found))
    return folder


def test_values_of_a_method_are_mean_and_range_over_seeds(tmp_path):
    for seed, score in enumerate((0.25, 0.5, 0.75)):
        _cell(tmp_path, "cyclegan", seed, score)
    _cell(tmp_path, "ian", 0, 0.125)
    results = collect(tmp_path)
    rows = results["tasks"]["glasses"]
    assert list(rows) == ["cyclegan", "ian", "identity", "ground truth"]
    assert rows["cyclegan"] == {"completeness": {"mean": 0.5, "range": [0.25, 0.75], "seeds": 3}}
    assert rows["identity"]["completeness"]["seeds"] == 4
    assert len(results["cells"]) == 4
    assert better(results, "glasses") == {"completeness": "higher"}
    assert json.loads(write(results, tmp_path / "r.json").read_text()) == results


def test_a_folder_without_finished_cells_and_a_broken_cell_are_refused(tmp_path):
    with pytest.raises(RunError, match="has no finished cell"):
        collect(tmp_path)
    (_cell(tmp_path, "ian", 0, 0.5) / "metrics.json").write_text("{")
    with pytest.raises(RunError, match="ian-0 is broken"):
        collect(tmp_path)


def test_a_cell_says_whether_its_generators_start_as_the_identity(tmp_path):
    for seed, config in enumerate((None, {}, {"model": {"input_skip": True, "filters": 32}})):
        folder = _cell(tmp_path, "cyclegan", seed, 0.5)
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config))
    cells = collect(tmp_path)["cells"]
    assert [each["starts_as_identity"] for each in cells] == [None, False, True]


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("cell.json", {"seed": "0"}, "cell.json: seed: Input should be a valid integer"),
        ("cell.json", {"task": "../../outside"}, "cell.json: task: String should match pattern"),
        ("cell.json", {"task": ".hidden"}, "cell.json: task: String should match pattern"),
        ("cell.json", {"steps": None}, "cell.json: steps: "),
        ("cell.json", {"budget_minutes": "45"}, "cell.json: budget_minutes: "),
        ("cell.json", {"ablation": {"of": 1}}, "cell.json: ablation.of: "),
        ("cell.json", {"direction": "none"}, "metrics.json has no direction 'none'"),
        ("config.json", {"model": {"input_skip": 1}}, "config.json: model.input_skip: "),
        ("metrics.json", {"directions": []}, "metrics.json: directions: "),
    ],
)
def test_values_of_other_types_are_one_sentence(tmp_path, file, change, reason):
    folder = _cell(tmp_path, "ian", 0, 0.5)
    (folder / "config.json").write_text("{}")
    values = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(values | change))
    with pytest.raises(RunError, match="ian-0 is broken: ") as error:
        collect(tmp_path)
    assert reason in str(error.value)


@pytest.mark.parametrize("score", ['"high"', "NaN", "[1]"])
def test_scores_that_are_no_numbers_are_refused(tmp_path, score):
    file = _cell(tmp_path, "ian", 0, 0.5) / "metrics.json"
    file.write_text(file.read_text().replace("0.5", score))
    with pytest.raises(RunError, match=r"results\.output\.completeness: Input should be a"):
        collect(tmp_path)
