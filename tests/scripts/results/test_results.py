"""Published results: their commands, seeds and versions, their values, and the pages' tables."""

import json
import re
import statistics
from pathlib import Path

import numpy as np
import pytest

from scripts.benchmarks.public_generators.networks import GENERATORS
from scripts.results.methods_table import own_methods
from scripts.results.publish import PAGES, with_tables
from tf_translate.config.schema import Config
from tf_translate.core.loss_terms import with_loss_weights
from tf_translate.methods.registry import find

ROOT = Path(__file__).parents[3]
COMMANDS = ("tf-translate train", "scripts/bench ", "scripts/demo", "python -m scripts.")
RESULTS = sorted((ROOT / "assets" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_holds_its_command_seed_versions_and_date(path):
    result = json.loads(path.read_text())
    assert result["command"].startswith(COMMANDS)
    checks = [check for key, check in CHECKS.items() if key in result]
    for check in checks or [check_evaluation]:
        check(result)
    for name in result.get("evaluation", {}).get("directions", {}):
        assert (path.parent / f"{path.stem}_{name}.png").is_file()


def check_evaluation(result):
    """A result of an evaluated run."""
    assert isinstance(result["config"]["training"]["seed"], int)
    for session in result["sessions"]:
        assert session["date"].startswith("20")
        assert {"tensorflow", "keras"} <= set(session["versions"])
    for direction in result["evaluation"]["directions"].values():
        assert {"output", "identity", "random target"} <= set(direction["results"])


def check_provenance(result, *packages):
    """Seed, date and versions of any result."""
    assert isinstance(result["seed"], int)
    assert result["date"].startswith("20")
    assert set(packages) <= set(result["versions"])


def check_ablation(result):
    """A result of an ablation."""
    check_provenance(result, "tensorflow", "keras")
    assert len({tuple(row) for row in result["ablation"].values()}) == 1, "equal columns"


def check_benchmark(result):
    """A result of `scripts/bench export`."""
    check_provenance(result, "ai-edge-litert", "onnxruntime", "torch")
    assert result["benchmark"][result["reference"]]["ratio"] == 1.0
    assert {len(times) for times in result["rounds_ms"].values()} == {result["rounds"]}


def check_verification(result):
    """A result of `scripts.results.verify_table`."""
    check_provenance(result, "tensorflow", "keras", "ai-edge-litert")
    assert len({tuple(row) for row in result["verification"]}) == 1, "equal columns"


def check_kills(result):
    """A result of `scripts/bench kills`."""
    assert isinstance(result["seed"], int)
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras", "h5py"} <= set(result["versions"])
    for row in result["kills"]:
        assert row["from"] <= row["step"] <= result["steps"]
        assert row["resumed"] or not row["equal"]
        assert not row["equal"] or row["difference"] == 0


def check_image_memory(result):
    """A result of `scripts/bench image_memory`: decoded pixels alone take three bytes each."""
    assert result["date"].startswith("20")
    assert {"pillow", "numpy"} <= set(result["versions"])
    assert all(3 * row["megapixels"] < 1000 * row["peak GB"] for row in result["image_memory"])


def check_step_times(result):
    """A result of `scripts/bench steps`."""
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras"} <= set(result["versions"])
    for row in result["step_times"]:
        assert row["seconds"] > 0
        assert 0 <= row["waiting"] < 1
        assert row["peak_mib"] > 100, "TensorFlow alone takes more"
        assert row["passes"] == row["needed"]
        assert (row["before"] is None) == bool(row["before_reason"])
        assert (row["before"] is None) == (row["ratio"] is None)


def check_kernel_times(result):
    """A result of `scripts/bench cpu_kernels`; its ratios are the medians of its rounds."""
    check_provenance(result, "tensorflow", "keras")
    assert result["instruction_set"]
    assert result["rounds"] >= 10
    for row in result["kernel_times"]:
        assert "all" in row["ratios"]
        times = row["rounds_ms"]
        for kernel, each in row["ratios"].items():
            ratios = np.array(times["on"]) / np.array(times[kernel])
            assert len(ratios) == result["rounds"]
            assert each["ratio"] == pytest.approx(np.median(ratios), rel=2e-3)
            assert each["ratio_low"] <= each["ratio"] <= each["ratio_high"]


def check_memory(result):
    """A result of `scripts/bench memory`; its KiB per step follow from its rows."""
    assert result["date"].startswith("20")
    assert {"tensorflow", "keras"} <= set(result["versions"])
    metrics, rows = result["memory"], result["rows"]
    after_warm_up = [row for row in rows if row["step"] >= 0.1 * rows[-1]["step"]]
    steps, kib = (np.array([row[key] for row in after_warm_up], float) for key in ("step", "kib"))
    deviations = steps - steps.mean()
    kib_per_step = (deviations * (kib - kib.mean())).sum() / (deviations**2).sum()
    assert metrics["kib_per_step"] == pytest.approx(kib_per_step, abs=1e-3)
    assert metrics["mib_max"] == pytest.approx(max(row["kib"] for row in rows) / 1024, abs=0.1)


def check_input(result):
    """A result of `scripts/bench input`; its rates are the medians of its rounds."""
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
    """A result of `scripts/bench memory --files`; its bytes per file follow from its runs."""
    assert result["date"].startswith("20")
    assert {"tensorflow", "keras"} <= set(result["versions"])
    assert result["files"].keys() == result["runs"].keys() == {"auto", "disk", "none"}
    for cache, row in result["files"].items():
        few, many = sorted(map(int, result["runs"][cache]))
        last = [sorted(kib for _, kib in result["runs"][cache][str(n)][-3:]) for n in (few, many)]
        grown = (last[1][len(last[1]) // 2] - last[0][len(last[0]) // 2]) * 1024
        assert row["bytes per file"] == pytest.approx(grown / (many - few), abs=1)


def check_startup(result):
    """A result of `scripts/bench startup`; its seconds follow from its moments."""
    assert result["date"].startswith("20")
    assert result["machine"]
    assert {"tensorflow", "keras"} <= set(result["versions"])
    assert result["startup"].keys() == result["runs"].keys()
    for method, seconds in result["startup"].items():
        starts = []
        for run in result["runs"][method]:
            at = {moment["part"]: moment["clock"] for moment in run}
            assert sorted(at.values()) == list(at.values()), "parts end one after another"
            starts.append(at["step 1"] - at["command"])
        assert seconds["total"] == pytest.approx(statistics.median(starts), abs=2e-3)


def check_side_by_side(result):
    """A result of `scripts/bench training`; its metrics follow from its rounds."""
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
                difference = abs(loss - losses["ours"][term])
                assert difference <= agreement["difference"]
                assert difference <= result["tolerance"] or not name.endswith("float32")
        peak = min(min(times[1:]) for times in result["products_ms"][name].values())
        assert row["peak GMAC/s"] * 1.01 >= result["matrix product"] ** 3 / 1e6 / peak
        speed = row["GMAC"] / row["ms"] * 1000
        assert row["fraction of peak"] == pytest.approx(speed / row["peak GMAC/s"])


def test_the_tables_of_the_pages_are_those_of_the_results():
    pages = [page.read_text("utf-8") for page in PAGES]
    shown = [name for page in pages for name in re.findall(r"<!-- result (\w+) -->", page)]
    assert set(shown) == {path.stem for path in RESULTS}
    for page in pages:
        assert with_tables(page) == page


def _configs():
    for path in RESULTS:
        result = json.loads(path.read_text("utf-8"))
        if "config" in result:
            yield pytest.param(result["config"], id=path.stem)
        if "verification" in result:
            for name, run in result["runs"].items():
                yield pytest.param(run["config"], id=f"{path.stem}-{name}")


@pytest.mark.parametrize("config", _configs())
def test_a_published_configuration_is_valid_today(config):
    checked = Config(**config)
    method = find(checked.method)
    method.settings(**checked.model)
    with_loss_weights(method.translator.terms, checked.loss_weights)


def test_the_readme_shows_the_means_of_each_method_over_its_seeds():
    shown = re.findall(
        r"\| \[.*\]\(docs/methods/(\w+)\.md\) \|.*\| ([\d.]+) \| ([\d.]+) \| (\d) \| \S+ MB \|",
        (ROOT / "README.md").read_text("utf-8"),
    )
    assert {name for name, *_ in shown} == {method.name for method in own_methods()}
    for name, *values in shown:
        outputs = glasses_of(name)
        completeness = statistics.fmean(each["completeness"] for each in outputs)
        outside = statistics.fmean(each["content/l1_outside_edit"] for each in outputs)
        assert values == [f"{completeness:.2f}", f"{outside:.3f}", str(len(outputs))]


def test_the_readme_names_the_methods_whose_content_or_domain_is_doubtful():
    readme = (ROOT / "README.md").read_text("utf-8")
    (strangers,) = re.findall(r"more similar to another input than to its own: ([^.]+)\.", readme)
    (unlike,) = re.findall(r"sees glasses in at least 99 % of the images of ([^;]+);", readme)
    found = {method.title: glasses_of(method.name) for method in own_methods()}
    negative = {
        title
        for title, outputs in found.items()
        if statistics.fmean(each["content/margin"] for each in outputs) < 0
    }
    assert set(strangers.split(", ")) == negative
    for title in re.split(", | and ", unlike):
        assert statistics.fmean(each["domain/accuracy"] for each in found[title]) >= 0.99, title


def glasses_of(method):
    """What a method's outputs reach in the published comparison, one mapping per seed."""
    outputs = []
    for cell in (ROOT / "assets" / "results" / "compare" / "glasses").glob(f"{method}-[0-9]"):
        direction = json.loads((cell / "cell.json").read_text())["direction"]
        measured = json.loads((cell / "metrics.json").read_text())["directions"][direction]
        outputs.append(measured["results"]["output"])
    return outputs


def check_fuzz(result):
    """A result of damaged and forged files: none crashed, hung or wrote elsewhere."""
    check_provenance(result, "numpy")
    counts = result["counts"]
    assert not any(counts[name] for name in ("tracebacks", "signals", "hangs", "files_outside"))
    passed = counts.get("passed", 0) + counts.get("read", 0) + counts.get("opened", 0)
    assert counts["tried"] == counts["refused"] + passed


def check_repeats(result):
    """A result of runs that were repeated: each is equal to the first of its method."""
    assert result["date"].startswith("20")
    assert all(row["equal"] and row["difference"] == 0.0 for row in result["repeats"])


def check_parity(result):
    """A result of `scripts/bench parity`: every method, within its limits."""
    check_provenance(result, "tensorflow", "keras", "torch")
    rows, limits = result["parity"], result["limits"]
    assert {row["method"] for row in rows} == {method.name for method in own_methods()}
    for row in rows:
        assert row["passed"]
        assert row["losses"] <= limits["losses"]
        assert row["weights rms"] <= limits["weights rms"]
        listed = [each for stage in row["stages"].values() for each in stage["outliers"]["listed"]]
        assert all(each["independent gradients"] for each in listed)


def check_public_generators(result):
    """All are verified in floats and in one integer recipe, and hardly slower than a plain file."""
    check_provenance(result, "tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer")
    assert set(result["generators"]) == set(GENERATORS)
    for row in result["generators"].values():
        assert row["passed"]
        assert not row["failures"]
        assert {"float32", "float16", "dynamic_int8"} < set(row["psnr"])
        assert row["beside_plain_converter"]["ratio"] <= 1.02


def check_metric_damage(result):
    """Margin and kernel distance see what retrieval@1 and accuracy miss."""
    check_provenance(result, "tensorflow", "keras", "numpy")
    for task in result["tasks"].values():
        values = {
            name: {metric: [row[metric] for row in damage["values"]] for metric in row_names}
            for name, damage in task["damage"].items()
            for row_names in [damage["values"][0]]
        }
        for name in ("warp", "swap", "mosaic", "noise"):
            assert np.all(np.diff(values[name]["content/margin"]) < 0.005), name
        for name in ("average", "undo", "fade"):
            assert np.all(np.diff(values[name]["domain/kid/judge@64"]) > -0.02), name
        assert values["average"]["domain/accuracy"][-1] > 0.9  # the mean image fools the judge
        assert values["average"]["completeness"][-1] < 0.05
        assert values["blur"]["completeness"][-1] < 0.7 * values["blur"]["completeness"][0]
        # Features that were learned elsewhere see blur, noise, mosaic and the mean of all images.
        for name in ("blur", "noise", "mosaic", "average"):
            for distance in ("kid", "fid"):
                seen = values[name][f"domain/{distance}/efficientnet_lite0"]
                assert seen[-1] > 1.3 * seen[1] > 0, (name, distance)


def check_seen_people(result):
    """No reciprocal rank gains 0.01 from people that look like one of training."""
    assert result["date"].startswith("20")
    assert result["revision"]
    assert {"numpy", "pillow"} <= set(result["versions"])
    for task, most in (("glasses", 0.02), ("ordinal", 0.06)):
        found = result["seen_people"][task]
        for row in found["cells"].values():
            assert 0 < row["seen"] < row["images"]
            without = row["not_in_training"]
            for score, change in found["largest_change"].items():
                assert abs(row["all"][score] - without[score]) <= change <= most
            assert without["reciprocal_rank"] > row["all"]["reciprocal_rank"] - 0.01


def check_kinds(result):
    """Glasses of another kind than the truth's have an error of their own."""
    kinds = result["error_inside_by_kind"]
    assert kinds["mean_over_kinds"] == pytest.approx(sum(kinds["by_kind"]) / len(kinds["kinds"]))
    assert 0.3 < kinds["mean_over_kinds"] < kinds["mean_of_other_kinds"]


def check_reruns(result):
    """A cell by its published commands at its own revision is the published one."""
    assert result["date"].startswith("20")
    assert {"tensorflow", "keras"} <= set(result["versions"])
    published = ROOT / "assets" / "results" / "compare" / "glasses"
    for row in result["reruns"]:
        assert row["commands"]
        name = row["cell"].rpartition("-")[0]
        outputs = {
            folder.name: json.loads((folder / "metrics.json").read_text())["directions"][
                "add_glasses"
            ]["results"]["output"]
            for folder in published.glob(f"{name}-?")
        }
        assert len(outputs) == 3
        for metric, each in row["metrics"].items():
            seeds = [output[metric] for output in outputs.values()]
            assert each["published"] == outputs[row["cell"]][metric]
            assert each["within"] == (min(seeds) <= each["rerun"] <= max(seeds))
        if row["run_again_at_revision"] == row["published_at_revision"]:
            assert row["steps_that_differ"] == []
            assert all(each["rerun"] == each["published"] for each in row["metrics"].values())
    assert any(
        row["run_again_at_revision"] == row["published_at_revision"] for row in result["reruns"]
    )


CHECKS = {  # by the key that only this kind of result has
    "ablation": check_ablation,
    "benchmark": check_benchmark,
    "verification": check_verification,
    "side_by_side": check_side_by_side,
    "kills": check_kills,
    "memory": check_memory,
    "files": check_files,
    "startup": check_startup,
    "step_times": check_step_times,
    "kernel_times": check_kernel_times,
    "input": check_input,
    "counts": check_fuzz,
    "repeats": check_repeats,
    "image_memory": check_image_memory,
    "parity": check_parity,
    "generators": check_public_generators,
    "tasks": check_metric_damage,
    "seen_people": check_seen_people,
    "error_inside_by_kind": check_kinds,
    "reruns": check_reruns,
}
