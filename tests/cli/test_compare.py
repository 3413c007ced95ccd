"""`tf-translate compare`: the plan, mistakes, and a real run of two cells."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.evaluation.toys import blobs
from tests.experiment.compare.collected import ablated, cell
from tests.experiment.compare.synthetic_cells import Damaged, write_cells
from tf_translate.experiment.compare import fixed_steps
from tf_translate.experiment.compare.collect import collect
from tf_translate.experiment.step_timing import StepTime

TASK = """
title = "Negative images"
minutes = 0.05
provides = ["pairs", "sets"]

[settings.data]
path = "pairs"
size = [16, 16]
validation_share = 0.0
[settings.model]
num_downsamples = 2
base_filters = 4
discriminator_layers = 1
discriminator_filters = 4
[settings.training]
batch_size = 2
log_every = 2
checkpoint_every = 20
[settings.evaluation]
domain_steps = 2
content_steps = 2

[layouts.pairs]
shows = "pairs"
uses = ["pairs"]
[layouts.sets]
shows = "two sets"
uses = ["sets"]

[methods.pix2pix]
layout = "pairs"
[methods.cyclegan]
layout = "sets"
[methods.cyclegan.settings.data]
load_size = [18, 18]
"""


@pytest.fixture
def task(tmp_path, pairs):
    path = tmp_path / "negative.toml"
    path.write_text(TASK)
    return path


def test_plan_prints_one_command_a_cell_and_what_does_not_apply(command):
    code, out, _ = command("compare", "plan", "paired", "--seeds", 2, "--budget", 5)
    assert code == 0
    lines = out.splitlines()
    cells = [line for line in lines if not line.startswith("#")]
    assert len(cells) == 4 * 2
    assert cells[0] == (
        "tf-translate compare run paired --cell pix2pix:0 --run runs/compare --budget 5"
    )
    assert any(line.startswith("# not applicable: fader: it needs attributes") for line in lines)


def test_plan_says_what_to_fetch_first(command):
    _, out, _ = command("compare", "plan", "glasses", "--methods", "ian")
    first, *rest = out.splitlines()
    cells = [line for line in rest if not line.startswith("#")]
    assert first == "# first: tf-translate data fetch dicebear-glasses --size 64 --number 12000"
    assert [shlex.split(line)[5] for line in cells] == ["ian:0", "ian:1", "ian:2"]


def test_plan_of_ablations_has_a_cell_for_each_term_and_says_what_cannot_be_off(command):
    code, out, _ = command(
        "compare", "plan", "paired", "--methods", "cyclegan", "--ablations", "--seeds", 1
    )
    assert code == 0
    lines = out.splitlines()
    assert [shlex.split(line)[5] for line in lines if not line.startswith("#")] == [
        "cyclegan-all-terms:0",
        "cyclegan-without-cycle:0",
        "cyclegan-without-adversarial:0",
        "cyclegan-without-discriminator:0",
    ]
    assert "# not switched off: cyclegan r1: its weight is 0 already in this task" in lines


@pytest.fixture
def collected(tmp_path):
    """A folder with cells of an ablation, and one of another method."""
    cells = [
        ablated("pix2pix", "", "", content=0.8, domain=0.6),
        ablated("pix2pix", "l1", "content", content=0.3, domain=0.5),
        cell("cyclegan", content=0.5, domain=0.5),
    ]
    for each in cells:
        folder = tmp_path / "cells" / each["task"] / f"{each['name']}-{each['seed']}"
        folder.mkdir(parents=True)
        metrics = each.pop("metrics")
        (folder / "cell.json").write_text(json.dumps(each))
        (folder / "metrics.json").write_text(json.dumps(metrics))
    return tmp_path / "cells"


def test_ablations_are_a_table_and_json(command, collected):
    code, out, _ = command("compare", "ablations", collected)
    assert code == 0
    assert "pix2pix:" in out
    row = "l1 (content)  coarse  0.80 → 0.30  "
    assert row in out
    assert "1 of 1 content and domain terms do what their role says: 100%" in out
    code, out, _ = command("compare", "ablations", collected, "--json")
    table = json.loads(out)
    assert table["rows"][0]["without"] == "l1"
    assert table["share"] == 1


def test_claims_are_seven_verdicts_in_text_and_json(command, collected):
    code, out, _ = command("compare", "claims", collected)
    assert code == 0
    assert "1. Content consistency and domain consistency are both necessary." in out
    assert "run: tf-translate compare run" in out
    code, out, _ = command("compare", "claims", collected, "--json")
    assert [each["number"] for each in json.loads(out)["claims"]] == list(range(1, 8))


def test_cells_of_ablations_are_collected_outside_of_the_table_of_methods(command, collected):
    results = collect(collected)
    assert len(results["cells"]) == 3
    assert "cyclegan" in results["tasks"]["glasses"]
    assert not [name for name in results["tasks"]["glasses"] if name.startswith("pix2pix")]


def test_a_narrow_terminal_breaks_names_of_metrics_at_their_slashes(command, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    published = Path("assets/results/compare/glasses")
    code, out, _ = command("compare", "collect", published, "--output", tmp_path / "results.json")
    assert code == 0
    for word in ("completeness ↑", "content/ ", "reciprocal_rank", "retrieval@1 ↑", "margin ↑"):
        assert word in out


def test_mistakes_are_one_sentence(mistake, task, tmp_path):
    run = ("--run", tmp_path / "runs")
    assert "did you mean 'glasses'" in mistake("compare", "plan", "glases")
    assert "must be at most the" in mistake("compare", "run", task, "--jobs", 999, *run)
    assert "ian is not compared in the task" in mistake(
        "compare", "run", task, "--cell", "ian:0", *run
    )
    assert "has no finished cell" in mistake("compare", "collect", tmp_path)
    assert "has no finished cell" in mistake("compare", "claims", tmp_path)
    assert "l2 of pix2pix is no loss term of it" in mistake(
        "compare", "run", task, "--cell", "pix2pix-without-l2:0", *run
    )
    assert "is not a run" in mistake("compare", "cycle-noise", tmp_path)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        (
            'shows = "pairs"',
            'shows = "pairs"\ndirection = "to_b"',
            "the direction of pix2pix is 'to_b', but its results have a_to_b; set",
        ),
        ('path = "pairs"', 'path = "none"', "the data do not fit pix2pix: "),
        ("size = [16, 16]", "size = [18, 18]", "pix2pix cannot be trained: "),
    ],
    ids=["direction", "path", "size"],
)
def test_data_are_looked_at_before_a_cell_trains(mistake, task, tmp_path, wrong, right, message):
    task.write_text(TASK.replace(wrong, right, 1))
    assert message in mistake("compare", "run", task, "--run", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_plan_refuses_a_direction_that_no_result_has(mistake, task):
    task.write_text(TASK.replace('shows = "pairs"', 'shows = "pairs"\ndirection = "to_b"', 1))
    assert "the direction of pix2pix is 'to_b'" in mistake("compare", "plan", task)


def test_steps_that_are_timed_with_a_budget_are_those_of_a_run_with_it(
    command, task, tmp_path, monkeypatch
):
    time = StepTime(first=0.1, seconds=0.001, unit=1, stages={"train": 0.001})
    monkeypatch.setattr(fixed_steps, "_time_cell", lambda cell, imports: time)
    options = (task, "--run", tmp_path / "runs", "--budget", 0.01)
    assert command("compare", "steps", *options)[0] == 0
    code, out, _ = command("compare", "plan", *options)
    assert code == 0
    assert "--cell pix2pix:0" in out


@pytest.fixture
def cells(tmp_path):
    """Two synthetic cells, one of an earlier version."""
    source, truth = blobs(12, seed=0, side=16)
    write_cells(tmp_path / "runs", source, truth, {"pix2pix": Damaged("blur", 1)}, images=False)
    return write_cells(tmp_path / "runs", source, truth, {"cyclegan": Damaged("blur", 2)})


def test_report_writes_two_pages_and_says_what_is_missing(command, cells, tmp_path):
    code, out, err = command("compare", "report", cells, "--output", tmp_path / "out", "--json")
    assert code == 0
    files = json.loads(out)["files"]
    assert [Path(file).name for file in files] == [
        "report.html", "report.md", "glasses_scatter.svg", "glasses_wall.png",
        "glasses_extremes.png",
    ]  # fmt: skip
    assert all(Path(file).is_file() for file in files)
    missing = "1 of 2 cells have no {}, so the report leaves out what it shows: pix2pix-0"
    assert missing.format("images.png") in err
    assert missing.format("per_image.npz") in err
    assert "tf-translate compare costs measures it" in err


def test_collect_says_which_cells_are_of_an_earlier_version(command, cells):
    code, out, err = command("compare", "collect", cells, "--json")
    assert code == 0
    found = {cell["name"]: cell["missing"] for cell in json.loads(out)["cells"]}
    assert found == {"pix2pix": ["images.png", "per_image.npz"], "cyclegan": []}
    assert "1 of 2 cells have no images.png" in err


def test_mistakes_of_reports_and_costs_are_one_sentence(mistake, cells, tmp_path):
    assert "has no finished cell" in mistake("compare", "report", tmp_path / "none")
    assert "has no finished cell" in mistake("compare", "costs", tmp_path / "none")
    (cells / "costs.json").write_text("{}")
    assert "costs.json is broken" in mistake("compare", "report", cells)


def _compare(*arguments):
    command = [sys.executable, "-m", "tests.cli.run_command", "compare", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


@pytest.mark.slow
def test_two_cells_run_at_once_and_are_collected_and_not_run_again(command, task, tmp_path):
    run = ("run", task, "--seeds", 1, "--run", tmp_path / "runs")
    process = _compare(*run, "--jobs", min(2, len(os.sched_getaffinity(0))))
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, out
    folder = tmp_path / "runs" / "negative"
    for name in ("pix2pix-0", "cyclegan-0"):
        record = json.loads((folder / name / "cell.json").read_text())
        assert 0 < record["steps"] <= record["planned_steps"]
        assert record["budget_minutes"] == 0.05
        assert record["minutes"] < 0.5
        assert record["direction"] == "a_to_b"
        assert (folder / name / "grid.png").is_file()
        assert not (folder / name / "model.keras").exists()
        assert not list((folder / name).glob("**/*.keras"))
    code, out, _ = command("compare", "collect", folder)
    assert code == 0
    assert "pix2pix" in out
    assert "identity" in out
    results = json.loads((folder / "results.json").read_text())
    assert len(results["cells"]) == 2
    before = (folder / "pix2pix-0" / "cell.json").stat().st_mtime_ns
    process = _compare(*run)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert (folder / "pix2pix-0" / "cell.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_cells_take_the_steps_that_were_timed(task, tmp_path):
    run = (task, "--methods", "pix2pix", "--run", tmp_path / "runs")
    process = _compare("steps", *run)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    folder = tmp_path / "runs" / "negative"
    times = json.loads((folder / "steps.json").read_text())
    assert times["methods"]["pix2pix"]["seconds"] > 0
    assert times["machine"]["cores"] == os.cpu_count()
    process = _compare("run", *run, "--seeds", 1)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    record = json.loads((folder / "pix2pix-0" / "cell.json").read_text())
    assert record["steps"] == record["planned_steps"] > 0
    assert f"training.steps={record['steps']}" in record["commands"][0]
    assert record["steps_from"]["date"] == times["date"]
    assert record["minutes"] >= 0
    evaluated = json.loads((folder / "pix2pix-0" / "metrics.json").read_text())
    assert list(evaluated["directions"]) == ["a_to_b"]


@pytest.mark.slow
def test_ctrl_c_stops_all_cells_and_the_same_command_goes_on(task, tmp_path):
    run = ("run", task, "--methods", "pix2pix", "--seeds", 1, "--run", tmp_path / "runs")
    run = (*run, "--budget", 0.5)
    folder = tmp_path / "runs" / "negative" / "pix2pix-0"
    process = _compare(*run)
    deadline = time.monotonic() + 300
    while not _lines(folder / "times.jsonl"):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    assert "the same command goes on" in out
    used = _lines(folder / "times.jsonl")[-1]["seconds"]
    assert not (folder / "cell.json").exists()
    process = _compare(*run)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    record = json.loads((folder / "cell.json").read_text())
    sessions = _lines(folder / "sessions.jsonl")
    assert len(sessions) == 2
    assert sessions[0]["to_step"] == sessions[1]["from_step"] < record["steps"]
    assert record["minutes"] * 60 > used
    assert record["minutes"] < 0.7


@pytest.mark.slow
def test_a_cell_without_a_term_is_trained_and_recorded_and_its_cycle_measured(
    command, task, tmp_path
):
    cell_id = "cyclegan-without-cycle:0"
    process = _compare("run", task, "--run", tmp_path / "runs", "--cell", cell_id, "--keep-weights")
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, out
    folder = tmp_path / "runs" / "negative"
    cell_folder = folder / "cyclegan-without-cycle-0"
    record = json.loads((cell_folder / "cell.json").read_text())
    assert record["ablation"] == {
        "of": "cyclegan",
        "without": "cycle",
        "terms": ["cycle_a", "cycle_b"],
        "role": "content",
    }
    weights = json.loads((cell_folder / "config.json").read_text())["loss_weights"]
    assert (weights["cycle_a"], weights["cycle_b"], weights["adversarial"]) == (0, 0, 1)
    code, out, _ = command("compare", "ablations", folder, "--json")
    assert code == 0
    assert json.loads(out)["left_out"] == {
        "negative: cyclegan-without-cycle": "there is no cell cyclegan-all-terms to compare with"
    }
    code, out, _ = command("compare", "cycle-noise", cell_folder, "--images", 8, "--json")
    assert code == 0
    assert set(json.loads(out)["directions"]) == {"a_to_b", "b_to_a"}
    code, out, _ = command("compare", "claims", folder, "--json")
    assert json.loads(out)["claims"][6]["verdict"] != "not measured"
