"""Puts an evaluated run into assets/results and its figures into the README.

python scripts/publish_result.py RUN NAME "COMMAND ..."
"""

import json
import re
import sys
from pathlib import Path

from tf_translate.images import read, write

ROOT = Path(__file__).parents[1]
FIGURES = {
    "content/retrieval@1": "retrieval@1 ↑",
    "content/skill": "skill ↑",
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


if __name__ == "__main__":
    publish(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
