"""Rewrites published results with the names of today, and checks that no value has changed.

python -m scripts.results.rename_keys                  rewrites assets/results/*.json in place
python -m scripts.results.rename_keys --check REVISION compares them with those of a revision

Only keys, and strings that are names, are rewritten, each at its own place in a document.
`command` says how to run today. Numbers and texts are copied. The check loads every result of the
revision from git, renames its keys and compares it with the file of today, value by value. It
prints the paths that differ; then the exit code is 1.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.results.renamed import NETWORKS, STAGES, TERMS, renamed, to_new_config, to_new_setting

ROOT = Path(__file__).parents[2]
RESULTS = Path("assets") / "results"

COMMANDS = {  # earlier scripts by how to run them today
    "scripts/ablate_age_cgan.py": "python -m scripts.ablations.age_cgan",
    "scripts/ablate_discogan.py": "python -m scripts.ablations.discogan",
    "scripts/ablate_dtn.py": "python -m scripts.ablations.dtn",
    "scripts/ablate_ian.py": "python -m scripts.ablations.ian",
    "scripts/bench_export": "scripts/bench export",
    "scripts/bench_input": "scripts/bench input",
    "scripts/bench_steps": "scripts/bench steps",
    "scripts/bench_tiles.py": "scripts/bench tiles",
    "scripts/bench_training": "scripts/bench training",
    "scripts/kill_runs": "scripts/bench kills",
    "scripts/measure_memory": "scripts/bench memory",
    "scripts/measure_startup": "scripts/bench startup",
    "scripts/verify_table.py": "python -m scripts.results.verify_table",
    "--pictures": "--images",
}
TOP = {"pictures": "images", "base": "base_filters"}
KINDS = {**STAGES, "critics alone": "discriminators alone"}

# Reports of `tf-translate evaluate`.
REPORT = {"facts": "metadata"}
DIRECTION = {
    "figures": "metrics",
    "intervals_95": "confidence_intervals_95",
    "references": "reference_values",
    "rows": "results",
}
METRICS = {
    "content/outside": "content/l1_outside_edit",
    "content/label": "content/label_accuracy",
}
REFERENCES = {
    "content judge: held-out source images found after a random change of style": (
        "content judge: retrieval@1 of held-out source images after random style changes"
    ),
    "content judge: true counterparts that find their source": (
        "content judge: retrieval@1 of the ground truth"
    ),
}
PROTOCOL = {"known counterparts": "ground-truth images"}
SOURCE = {"figures": "metrics"}  # what a bundle says of its run

ABLATION_ROWS = {
    "encoder alone": "encoder only",
    "input as it is": "unchanged input",
    "off: picture itself": "off: image itself",
    "on: picture itself": "on: image itself",
}
ABLATION_COLUMNS = {
    **METRICS,
    "PSNR to live whole": "PSNR to live whole image",
    "PSNR to own whole": "PSNR to whole image",
    "inside, to the painted": "inside, to the target",
    "outside, to the picture": "outside, to the image",
    "seconds an image": "seconds per image",
    "worn": "judge accuracy",
}
SIDE_BY_SIDE = {
    "PyTorch share of peak": "PyTorch fraction of peak",
    "share of peak": "fraction of peak",
}
KILL = {"anew": "restarted", "said": "output"}
KILLED_STAGES = {**STAGES, "before the run is made": "before the run exists"}
MEMORY = {
    "mib_after_warming_up": "mib_after_warm_up",
    "mib_at_most": "mib_max",
    "mib_at_the_end": "mib_at_end",
    "slope_kib_per_step": "kib_per_step",
}
FILES = {
    "MiB at most": "MiB, maximum",
    "bytes a file": "bytes per file",
    "of them pixels": "bytes of pixels per file",
}
STARTUP = {"in all": "total", "processor, in all": "processor, total"}
MOMENTS = {"asked for": "command"}
PARTS = {  # these texts describe the code, and the table shows them
    "finding and decoding pictures": "finding and decoding images",
    "run directory, sample pictures": "run directory, preview images",
}
VERIFICATION = {"pictures": "images"}


def to_new_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """A published result with the names of today."""
    rules = _rules(result)
    found = {
        key: rules[key](value) if key in rules else value
        for key, value in renamed(result, TOP).items()
    }
    return {**found, "command": to_new_command(result["command"])}


def to_new_command(command: str) -> str:
    """How to run a published command today."""
    words = [COMMANDS.get(word, word) for word in command.split(" ")]
    return " ".join(re.sub(r"^[\w.]+(?==)", lambda key: to_new_setting(key[0]), w) for w in words)


def _rules(result: Mapping[str, Any]) -> dict[str, Callable[[Any], Any]]:
    """What rewrites each part of a result, by its key at the top."""
    rules: dict[str, Callable[[Any], Any]] = {
        "ablation": lambda rows: {
            _ablation_row(row): renamed(values, ABLATION_COLUMNS) for row, values in rows.items()
        },
        "agreement": lambda rows: _each(rows, _agreement),
        "config": to_new_config,
        "evaluation": _report,
        "files": lambda rows: _each(rows, lambda row: renamed(row, FILES)),
        "kills": lambda rows: [_kill(row) for row in rows],
        "memory": lambda row: renamed(row, MEMORY),
        "parts": lambda parts: _each(parts, lambda text: PARTS.get(text, text)),
        "side_by_side": lambda rows: _each(rows, lambda row: renamed(row, SIDE_BY_SIDE)),
        "startup": lambda rows: _each(rows, lambda row: renamed(row, STARTUP)),
        "step_times": lambda rows: [_step_time(row) for row in rows],
        "verification": lambda rows: [renamed(row, VERIFICATION) for row in rows],
    }
    if "startup" in result:
        rules["runs"] = lambda runs: _each(runs, lambda own: [_moments(run) for run in own])
    if "verification" in result:
        rules["runs"] = lambda runs: _each(runs, _source)
    return rules


def _each(values: Mapping[str, Any], rule: Callable[[Any], Any]) -> dict[str, Any]:
    return {key: rule(value) for key, value in values.items()}


def _ablation_row(name: str) -> str:
    return re.sub("^given, overlap", "norm inputs, overlap", ABLATION_ROWS.get(name, name))


def _agreement(row: Mapping[str, Any]) -> dict[str, Any]:
    first_step = _each(row["first step"], lambda losses: renamed(losses, TERMS))
    parameters = renamed(row["parameters"], NETWORKS)
    return {**row, "parameters": parameters, "first step": first_step}


def _kill(row: Mapping[str, Any]) -> dict[str, Any]:
    stage = KILLED_STAGES.get(row["stage"], row["stage"])
    moment = renamed(row["moment"], {"number": "count"})
    return renamed({**row, "stage": stage, "moment": moment}, KILL)


def _moments(run: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**moment, "part": MOMENTS.get(moment["part"], moment["part"])} for moment in run]


def _step_time(row: Mapping[str, Any]) -> dict[str, Any]:
    def with_networks(times: Mapping[str, Any]) -> dict[str, Any]:
        names = ("passes", "needed")
        return {k: renamed(v, NETWORKS) if k in names else v for k, v in times.items()}

    found = {**with_networks(row), "kind": KINDS.get(row["kind"], row["kind"])}
    for side in ("before", "after"):
        if row[side] is not None:
            found[side] = with_networks(row[side])
    if "before_without" in row:
        found["before_without"] = [to_new_setting(name) for name in row["before_without"]]
    return found


def _report(report: Mapping[str, Any]) -> dict[str, Any]:
    found = renamed(report, REPORT)
    return {**found, "directions": _each(report["directions"], _direction)}


def _direction(direction: Mapping[str, Any]) -> dict[str, Any]:
    found = renamed(direction, DIRECTION)
    for key in ("results", "confidence_intervals_95", "standard_errors"):
        found[key] = _each(found[key], lambda values: renamed(values, METRICS))
    found["metrics"] = renamed(found["metrics"], METRICS)
    found["reference_values"] = renamed(found["reference_values"], REFERENCES)
    found["protocol"] = renamed(found["protocol"], PROTOCOL)
    return found


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    found = {**renamed(source, SOURCE), "config": to_new_config(source["config"])}
    if "metrics" in found:
        found["metrics"] = [
            {**each, "name": METRICS.get(each["name"], each["name"])} for each in found["metrics"]
        ]
    return found


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Paths below which two documents differ: in a key, its order, a value or its type."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        if list(expected) != list(actual):
            yield f"{path}: keys {list(expected)} != {list(actual)}"
        for key in expected.keys() & actual.keys():
            yield from differences(expected[key], actual[key], f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: {len(expected)} != {len(actual)} items"
        for index, pair in enumerate(zip(expected, actual, strict=False)):
            yield from differences(*pair, f"{path}[{index}]")
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{path}: {expected!r} != {actual!r}"


def results_of(revision: str) -> dict[str, dict[str, Any]]:
    """Every published result of a revision, by file name.

    Raises:
        CalledProcessError: If git does not have the revision.
    """
    listed = _git("ls-tree", "--name-only", revision, f"{RESULTS.as_posix()}/")
    paths = [Path(line) for line in listed.splitlines() if line.endswith(".json")]
    return {path.name: json.loads(_git("show", f"{revision}:{path.as_posix()}")) for path in paths}


def check(revision: str, folder: Path) -> list[str]:
    """What differs between a revision's results, with keys renamed, and the files of a folder.

    Results that were measured anew since then are left out.
    """
    found = []
    for name, result in results_of(revision).items():
        file = folder / name
        if not file.is_file():
            found.append(f"{name}: missing")
            continue
        actual = json.loads(file.read_text("utf-8"))
        if _measured_at(actual) > _measured_at(result):
            continue
        found += [f"{name}{path}" for path in differences(to_new_result(result), actual)]
    return found


def _measured_at(result: dict) -> str:
    """The date of the last training session, or of the measurement; "" if it names none."""
    sessions = result.get("sessions") or [result]
    return str(sessions[-1].get("date", ""))


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return done.stdout


def main(arguments: list[str]) -> int:
    """Rewrites or checks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", metavar="REVISION", help="compare instead of rewriting")
    options = parser.parse_args(arguments)
    if options.check is None:
        for file in sorted((ROOT / RESULTS).glob("*.json")):
            result = to_new_result(json.loads(file.read_text("utf-8")))
            file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        return 0
    try:
        found = check(options.check, ROOT / RESULTS)
    except subprocess.CalledProcessError as error:
        print(f"error: {error.stderr.strip()}", file=sys.stderr)
        return 2
    print("\n".join(found) or "every value is unchanged")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
