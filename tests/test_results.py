"""Published results say how they were made, and the README says what they say."""

import json
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


def test_the_readmes_tables_are_those_of_the_results():
    readme = (ROOT / "README.md").read_text("utf-8")
    module = runpy.run_path(str(ROOT / "scripts" / "publish_result.py"), run_name="publish")
    assert readme.count("<!-- result ") == len(RESULTS)
    assert module["with_tables"](readme) == readme


def test_every_file_the_readme_points_to_is_there():
    import re

    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text("utf-8")):
            assert (ROOT / target).exists(), (name, target)
