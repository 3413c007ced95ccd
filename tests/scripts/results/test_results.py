"""Published results say how they were made, and the pages say what they say."""

import json
import re
import runpy
import statistics
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
RESULTS = sorted((ROOT / "assets" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_holds_command_seed_versions_and_date(path):
    result = json.loads(path.read_text())
    assert result["command"].startswith(("tf-translate train", "scripts/"))
    checks = [check for key, check in CHECKS.items() if key in result]
    for check in checks or [check_evaluation]:
        check(result)
    for name in result.get("evaluation", {}).get("directions", {}):
        assert (path.parent / f"{path.stem}_{name}.png").is_file()


def check_evaluation(result):
    """What a result of an evaluated run must hold."""
    assert isinstance(result["config"]["training"]["seed"], int)
    for session in result["sessions"]:
        assert session["date"].startswith("20")
        assert {"tensorflow", "keras"} <= set(session["versions"])
    for direction in result["evaluation"]["directions"].values():
        assert {"output", "identity", "random target"} <= set(direction["rows"])


def check_made_by(result, *packages):
    """Seed, date and versions."""
    assert isinstance(result["seed"], int)
    assert result["date"].startswith("20")
    assert set(packages) <= set(result["versions"])


def check_ablation(result):
    """What a result of an ablation must hold."""
    check_made_by(result, "tensorflow", "keras")
    assert len({tuple(row) for row in result["ablation"].values()}) == 1, "equal columns"


def check_benchmark(result):
    """What a result of scripts/bench_export must hold."""
    check_made_by(result, "ai-edge-litert", "onnxruntime", "torch")
    assert result["benchmark"][result["reference"]]["ratio"] == 1.0
    assert {len(times) for times in result["rounds_ms"].values()} == {result["rounds"]}


def check_verification(result):
    """What a result of scripts/results/verify_table.py must hold."""
    check_made_by(result, "tensorflow", "keras", "ai-edge-litert")
    assert len({tuple(row) for row in result["verification"]}) == 1, "equal columns"


def check_kills(result):
    """What a result of scripts/kill_runs must hold."""
    assert isinstance(result["seed"], int)
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras", "h5py"} <= set(result["versions"])
    for row in result["kills"]:
        assert row["from"] <= row["step"] <= result["steps"]
        assert row["resumed"] or not row["equal"]
        assert not row["equal"] or row["difference"] == 0


def check_step_times(result):
    """What a result of scripts/bench_steps must hold."""
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras"} <= set(result["versions"])
    for row in result["step_times"]:
        assert row["seconds"] > 0
        assert 0 <= row["waiting"] < 1
        assert row["peak_mib"] > 100, "TensorFlow alone holds more"
        assert row["passes"] == row["needed"]
        assert (row["before"] is None) == bool(row["before_reason"])
        assert (row["before"] is None) == (row["ratio"] is None)


def check_memory(result):
    """What a result of scripts/measure_memory must hold, its gradient against its own rows."""
    assert result["date"].startswith("20")
    assert {"tensorflow", "keras"} <= set(result["versions"])
    told, rows = result["memory"], result["rows"]
    warm = [row for row in rows if row["step"] >= 0.1 * rows[-1]["step"]]
    steps, kib = (np.array([row[key] for row in warm], float) for key in ("step", "kib"))
    apart = steps - steps.mean()
    gradient = (apart * (kib - kib.mean())).sum() / (apart**2).sum()
    assert told["kib_per_step"] == pytest.approx(gradient, abs=1e-3)
    assert told["mib_at_most"] == pytest.approx(max(row["kib"] for row in rows) / 1024, abs=0.1)


def check_input(result):
    """What a result of scripts/bench_input must hold, its rates against its own rounds."""
    assert isinstance(result["seed"], int)
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras", "numpy", "pillow"} <= set(result["versions"])
    for row in result["input"]:
        assert row["training"] > 0
        assert row["rates"].keys() == row["rates of rounds"].keys() == row["opening seconds"].keys()
        for source, rate in row["rates"].items():
            rounds = row["rates of rounds"][source]
            assert len(rounds) == result["rounds"]
            assert rate == pytest.approx(statistics.median(rounds), abs=0.11)


def check_files(result):
    """What a result of scripts/measure_memory --files must hold, against what was seen."""
    assert result["date"].startswith("20")
    assert {"tensorflow", "keras"} <= set(result["versions"])
    assert result["files"].keys() == result["runs"].keys() == {"auto", "disk", "none"}
    for cache, row in result["files"].items():
        few, many = sorted(map(int, result["runs"][cache]))
        last = [sorted(kib for _, kib in result["runs"][cache][str(n)][-3:]) for n in (few, many)]
        grown = (last[1][len(last[1]) // 2] - last[0][len(last[0]) // 2]) * 1024
        assert row["bytes a file"] == pytest.approx(grown / (many - few), abs=1)


def check_startup(result):
    """What a result of scripts/measure_startup must hold, its seconds against its own moments."""
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras"} <= set(result["versions"])
    assert result["startup"].keys() == result["runs"].keys()
    for method, seconds in result["startup"].items():
        starts = []
        for run in result["runs"][method]:
            at = {moment["part"]: moment["clock"] for moment in run}
            assert sorted(at.values()) == list(at.values()), "parts end one after the other"
            starts.append(at["step 1"] - at["asked for"])
        assert seconds["in all"] == pytest.approx(statistics.median(starts), abs=2e-3)


def check_side_by_side(result):
    """What a result of scripts/bench_training must hold, its metrics against its own rounds."""
    assert isinstance(result["seed"], int)
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras", "torch"} <= set(result["versions"])
    rows = result["side_by_side"]
    assert rows.keys() == result["agreement"].keys() == result["rounds_ms"].keys()
    for name, row in rows.items():
        rounds = result["rounds_ms"][name]
        assert {len(times) for times in rounds.values()} == {result["rounds"]}
        pairs = sorted(a / b for a, b in zip(rounds["ours"], rounds["PyTorch"], strict=True))
        assert row["ratio"] == pytest.approx(statistics.median(pairs), rel=1e-2)
        assert pairs[0] * 0.99 <= row["ratio p10"] <= row["ratio p90"] <= pairs[-1] * 1.01
        agreement = result["agreement"][name]
        losses = agreement["first step"]
        assert set(losses) == {"ours", "PyTorch contiguous", "PyTorch channels_last"}
        for theirs in losses.values():
            for term, loss in theirs.items():
                off = abs(loss - losses["ours"][term])
                assert off <= agreement["difference"]
                assert off <= result["tolerance"] or not name.endswith("float32")
        peak = min(min(times[1:]) for times in result["products_ms"][name].values())
        assert row["peak GMAC/s"] * 1.01 >= result["matrix product"] ** 3 / 1e6 / peak
        speed = row["GMAC"] / row["ms"] * 1000
        assert row["share of peak"] == pytest.approx(speed / row["peak GMAC/s"])


def test_the_tables_of_the_pages_are_those_of_the_results(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
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


CHECKS = {  # by the key that tells what a result is
    "ablation": check_ablation,
    "benchmark": check_benchmark,
    "verification": check_verification,
    "side_by_side": check_side_by_side,
    "kills": check_kills,
    "memory": check_memory,
    "files": check_files,
    "startup": check_startup,
    "step_times": check_step_times,
    "input": check_input,
}
