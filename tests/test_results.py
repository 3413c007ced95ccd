"""Published results say how they were made, and the pages say what they say."""

import json
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "assets" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_holds_command_seed_versions_and_date(path):
    result = json.loads(path.read_text())
    assert result["command"].startswith(("tf-translate train", "scripts/"))
    if "ablation" in result:
        assert isinstance(result["seed"], int)
        assert result["date"].startswith("20")
        assert {"tensorflow", "keras"} <= set(result["versions"])
        assert len({tuple(row) for row in result["ablation"].values()}) == 1, "equal columns"
        return
    if "benchmark" in result:
        assert isinstance(result["seed"], int)
        assert result["date"].startswith("20")
        assert {"ai-edge-litert", "onnxruntime", "torch"} <= set(result["versions"])
        assert result["benchmark"][result["reference"]]["ratio"] == 1.0
        assert {len(times) for times in result["rounds_ms"].values()} == {result["rounds"]}
        return
    if "verification" in result:
        assert isinstance(result["seed"], int)
        assert result["date"].startswith("20")
        assert {"tensorflow", "keras", "ai-edge-litert"} <= set(result["versions"])
        assert len({tuple(row) for row in result["verification"]}) == 1, "equal columns"
        return
    assert isinstance(result["config"]["training"]["seed"], int)
    for session in result["sessions"]:
        assert session["date"].startswith("20")
        assert {"tensorflow", "keras"} <= set(session["versions"])
    for name, direction in result["evaluation"]["directions"].items():
        assert {"output", "identity", "random target"} <= set(direction["rows"])
        assert (path.parent / f"{path.stem}_{name}.png").is_file()


def test_the_tables_of_the_pages_are_those_of_the_results():
    module = runpy.run_path(str(ROOT / "scripts" / "publish_result.py"), run_name="publish")
    pages = [page.read_text("utf-8") for page in module["PAGES"]]
    shown = [name for page in pages for name in re.findall(r"<!-- result (\w+) -->", page)]
    assert sorted(shown) == sorted(path.stem for path in RESULTS)
    for page in pages:
        assert module["with_tables"](page) == page


def test_the_summary_shows_the_worst_of_the_directions():
    readme = (ROOT / "README.md").read_text("utf-8")
    result = json.loads((ROOT / "assets" / "results" / "fader_avatars.json").read_text())
    rows = [one["rows"]["output"] for one in result["evaluation"]["directions"].values()]
    accuracy = min(row["domain/accuracy"] for row in rows)
    outside = max(row["content/outside"] for row in rows)
    (row,) = re.findall(r"\| fader \| avatars \|.*", readme)
    assert f"| {outside:.3f} | {accuracy:.3f} |" in row


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "assets/results/README.md"])
def test_every_file_a_page_points_to_is_there(name):
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    for target in targets:
        assert (page.parent / target).exists(), target
