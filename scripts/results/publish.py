"""Copies an evaluated run, an ablation or a benchmark into assets/results and fills the pages.

python -m scripts.results.publish RUN NAME "COMMAND ..."
python -m scripts.results.publish --tables          fills the tables of the pages again
python -m scripts.results.publish --ablation FOLDER NAME
python -m scripts.results.publish --benchmark FOLDER NAME
python -m scripts.results.publish --verification FOLDER NAME
python -m scripts.results.publish --kills FOLDER NAME
python -m scripts.results.publish --repeats FOLDER NAME
python -m scripts.results.publish --memory FOLDER NAME
python -m scripts.results.publish --image-memory FOLDER NAME
python -m scripts.results.publish --startup FOLDER NAME
python -m scripts.results.publish --steps FOLDER NAME
python -m scripts.results.publish --input FOLDER NAME
python -m scripts.results.publish --cpu-kernels FOLDER NAME
python -m scripts.results.publish --parity FOLDER NAME
python -m scripts.results.publish --fuzz FOLDER NAME
python -m scripts.results.publish --public-generators FOLDER NAME
python -m scripts.results.publish --metric-damage FOLDER NAME
"""

import json
import re
import shutil
import sys
from pathlib import Path

from scripts.results.compared_table import compared_table
from scripts.results.tables import table
from tf_translate.images import read, write

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "assets" / "results"
PAGES = (
    ROOT / "README.md",
    RESULTS / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
TABLES = {  # by option, the file in FOLDER
    "--verification": "verify_table.json",
    "--kills": "kill_runs.json",
    "--repeats": "repeat_runs.json",
    "--memory": "measure_memory.json",
    "--image-memory": "image_memory.json",
    "--startup": "measure_startup.json",
    "--steps": "bench_steps.json",
    "--input": "bench_input.json",
    "--cpu-kernels": "cpu_kernels.json",
    "--parity": "parity.json",
    "--public-generators": "bench_public_generators.json",
    "--metric-damage": "bench_metric_damage.json",
}


def publish(run: Path, name: str, command: str) -> None:
    """Writes assets/results/NAME.json and NAME_DIRECTION.png, and fills the tables."""
    (metrics,) = sorted((run / "evaluation").glob("*.json"))
    sessions = [json.loads(line) for line in (run / "sessions.jsonl").read_text().splitlines()]
    result = {
        "command": command,
        "config": json.loads((run / "config.json").read_text()),
        "sessions": sessions,
        "training_minutes": round(sum(session["seconds"] for session in sessions) / 60, 1),
        "evaluation": json.loads(metrics.read_text()),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for direction in result["evaluation"]["directions"]:
        write(RESULTS / f"{name}_{direction}.png", read(run / "evaluation" / f"{direction}.png"))
    fill_pages()


def publish_ablation(folder: Path, name: str) -> None:
    """Copies FOLDER/ablation.json and its image, and fills the tables."""
    shutil.copy(folder / "ablation.json", RESULTS / f"{name}.json")
    write(RESULTS / f"{name}.png", read(folder / "ablation.png"))
    fill_pages()


def publish_benchmark(folder: Path, name: str) -> None:
    """Copies the only FOLDER/bench_*.json and fills its table."""
    (file,) = folder.glob("bench_*.json")
    shutil.copy(file, RESULTS / f"{name}.json")
    fill_pages()


def publish_table(file: Path, name: str) -> None:
    """Copies a result and its plot, if there is one, and fills its table."""
    shutil.copy(file, RESULTS / f"{name}.json")
    plot = file.with_suffix(".png")
    if plot.is_file():
        write(RESULTS / f"{name}.png", read(plot))
    fill_pages()


def fill_pages() -> None:
    """Replaces the tables of the pages by those of the results."""
    for page in PAGES:
        page.write_text(with_tables(page.read_text("utf-8")), "utf-8")


def with_tables(page: str) -> str:
    """The page with a new table between the marks of each result and of the comparison."""

    def fill(match: re.Match) -> str:
        result = json.loads((RESULTS / f"{match[1]}.json").read_text())
        return f"<!-- result {match[1]} -->\n{table(result)}\n<!-- end -->"

    filled = re.sub(r"<!-- result (\w+) -->\n.*?<!-- end -->", fill, page, flags=re.DOTALL)
    marks = "<!-- comparison -->\n", "<!-- end of comparison -->"
    return re.sub(
        f"{marks[0]}.*?{marks[1]}", lambda _: compared_table().join(marks), filled, flags=re.DOTALL
    )


def main(arguments: list[str]) -> None:
    """Publishes what the first argument names."""
    if arguments[0] == "--tables":
        fill_pages()
    elif arguments[0] == "--ablation":
        publish_ablation(Path(arguments[1]), arguments[2])
    elif arguments[0] == "--benchmark":
        publish_benchmark(Path(arguments[1]), arguments[2])
    elif arguments[0] == "--fuzz":
        (file,) = Path(arguments[1]).glob("fuzz_*.json")
        publish_table(file, arguments[2])
    elif arguments[0] in TABLES:
        publish_table(Path(arguments[1]) / TABLES[arguments[0]], arguments[2])
    else:
        publish(Path(arguments[0]), arguments[1], arguments[2])


if __name__ == "__main__":
    main(sys.argv[1:])
