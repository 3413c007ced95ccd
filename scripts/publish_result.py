"""Puts an evaluated run, an ablation or a benchmark into assets/results and the README.

python scripts/publish_result.py RUN NAME "COMMAND ..."
python scripts/publish_result.py --ablation FOLDER NAME
python scripts/publish_result.py --benchmark FOLDER NAME
"""

import json
import re
import shutil
import sys
from pathlib import Path

from tf_translate.images import read, write

ROOT = Path(__file__).parents[1]
FIGURES = {
    "content/retrieval@1": "retrieval@1 ↑",
    "content/label": "label ↑",
    "content/skill": "skill ↑",
    "content/outside": "outside ↓",
    "content/ssim": "SSIM ↑",
    "domain/accuracy": "accuracy ↑",
    "domain/kid/judge@64": "KID ↓",
    "completeness": "completeness ↑",
}


def publish(run: Path, name: str, command: str) -> None:
    """Writes assets/results/NAME.json and NAME_DIRECTION.png, and the README's tables."""
    (figures,) = sorted((run / "evaluation").glob("*.json"))
    sessions = [json.loads(line) for line in (run / "sessions.jsonl").read_text().splitlines()]
    result = {
        "command": command,
        "config": json.loads((run / "config.json").read_text()),
        "sessions": sessions,
        "training_minutes": round(sum(session["seconds"] for session in sessions) / 60, 1),
        "evaluation": json.loads(figures.read_text()),
    }
    folder = ROOT / "assets" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for direction in result["evaluation"]["directions"]:
        write(folder / f"{name}_{direction}.png", read(run / "evaluation" / f"{direction}.png"))
    _fill_readme()


def publish_ablation(folder: Path, name: str) -> None:
    """Copies FOLDER/ablation.json and its picture, and fills the README's tables."""
    results = ROOT / "assets" / "results"
    shutil.copy(folder / "ablation.json", results / f"{name}.json")
    write(results / f"{name}.png", read(folder / "ablation.png"))
    _fill_readme()


def publish_benchmark(folder: Path, name: str) -> None:
    """Copies FOLDER/bench_export.json and fills the README's table between its marks."""
    shutil.copy(folder / "bench_export.json", ROOT / "assets" / "results" / f"{name}.json")
    _fill_readme()


def _fill_readme() -> None:
    readme = ROOT / "README.md"
    readme.write_text(with_tables(readme.read_text("utf-8")), "utf-8")


def with_tables(readme: str) -> str:
    """Replaces what stands between the marks of each result by its table."""

    def fill(match: re.Match) -> str:
        result = json.loads((ROOT / "assets" / "results" / f"{match[1]}.json").read_text())
        return f"<!-- result {match[1]} -->\n{table(result)}\n<!-- end -->"

    return re.sub(r"<!-- result (\w+) -->\n.*?<!-- end -->", fill, readme, flags=re.DOTALL)


def table(result: dict) -> str:
    """One table a direction: the rows of an evaluation, the figures that are shown."""
    if "ablation" in result:
        return _ablation_table(result)
    if "benchmark" in result:
        return _benchmark_table(result)
    minutes = result["training_minutes"]
    lines = [f"`{result['command']}`, {minutes:.0f} minutes of training on a two-core machine:", ""]
    for name, direction in result["evaluation"]["directions"].items():
        shown = [figure for figure in FIGURES if figure in direction["rows"]["output"]]
        lines.append(f"| {name} | " + " | ".join(FIGURES[figure] for figure in shown) + " |")
        lines.append("|---" * (len(shown) + 1) + "|")
        for row, values in direction["rows"].items():
            cells = ["–" if values[f] is None else f"{values[f]:.3f}" for f in shown]
            bold = "**" if row == "output" else ""
            lines.append(f"| {bold}{row}{bold} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _ablation_table(result: dict) -> str:
    rows = result["ablation"]
    shown = list(next(iter(rows.values())))
    lines = [f"`{result['command']}`:", ""]
    lines.append("| | " + " | ".join(FIGURES.get(figure, figure) for figure in shown) + " |")
    lines.append("|---" * (len(shown) + 1) + "|")
    for row, values in rows.items():
        cells = ["–" if values.get(f) is None else f"{values[f]:.3f}" for f in shown]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _benchmark_table(result: dict) -> str:
    about = f"{result['network']}, {result['threads']} threads, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", ""]
    lines.append(f"| | ms | × {result['reference']} | largest difference | peak MB | on XNNPACK |")
    lines.append("|---" * 6 + "|")
    for row, values in result["benchmark"].items():
        share = values["on XNNPACK"]
        ratio = f"{values['ratio']:.3f} ({values['ratio p10']:.3f} to {values['ratio p90']:.3f})"
        cells = [f"{values['ms']:.1f}", ratio, f"{values['difference']:.1g}"]
        cells += [f"{values['peak MB']:.0f}", "–" if share is None else f"{share:.0%}"]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def main(arguments: list[str]) -> None:
    """Chooses by the first argument what is published."""
    if arguments[0] == "--ablation":
        publish_ablation(Path(arguments[1]), arguments[2])
    elif arguments[0] == "--benchmark":
        publish_benchmark(Path(arguments[1]), arguments[2])
    else:
        publish(Path(arguments[0]), arguments[1], arguments[2])


if __name__ == "__main__":
    main(sys.argv[1:])
