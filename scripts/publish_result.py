"""Puts an evaluated run, an ablation or another table into assets/results and the pages.

python scripts/publish_result.py RUN NAME "COMMAND ..."
python scripts/publish_result.py --ablation FOLDER NAME
python scripts/publish_result.py --benchmark FOLDER NAME
python scripts/publish_result.py --verification FOLDER NAME
python scripts/publish_result.py --kills FOLDER NAME
python scripts/publish_result.py --memory FOLDER NAME
python scripts/publish_result.py --input FOLDER NAME
"""

import json
import re
import shutil
import sys
from pathlib import Path

from tf_translate.images import read, write

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "assets" / "results"
PAGES = (ROOT / "README.md", RESULTS / "README.md")
TABLES = {  # what a folder holds
    "--verification": "verify_table.json",
    "--kills": "kill_runs.json",
    "--memory": "measure_memory.json",
    "--input": "bench_input.json",
}
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
    """Writes assets/results/NAME.json and NAME_DIRECTION.png, and the pages' tables."""
    (figures,) = sorted((run / "evaluation").glob("*.json"))
    sessions = [json.loads(line) for line in (run / "sessions.jsonl").read_text().splitlines()]
    result = {
        "command": command,
        "config": json.loads((run / "config.json").read_text()),
        "sessions": sessions,
        "training_minutes": round(sum(session["seconds"] for session in sessions) / 60, 1),
        "evaluation": json.loads(figures.read_text()),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for direction in result["evaluation"]["directions"]:
        write(RESULTS / f"{name}_{direction}.png", read(run / "evaluation" / f"{direction}.png"))
    _fill_pages()


def publish_ablation(folder: Path, name: str) -> None:
    """Copies FOLDER/ablation.json and its picture, and fills the pages' tables."""
    shutil.copy(folder / "ablation.json", RESULTS / f"{name}.json")
    write(RESULTS / f"{name}.png", read(folder / "ablation.png"))
    _fill_pages()


def publish_benchmark(folder: Path, name: str) -> None:
    """Copies the FOLDER/bench_*.json that is there and fills the table between its marks."""
    (file,) = folder.glob("bench_*.json")
    shutil.copy(file, RESULTS / f"{name}.json")
    _fill_pages()


def publish_table(file: Path, name: str) -> None:
    """Copies a result that is a table, and its plot if there is one, and fills the table."""
    shutil.copy(file, RESULTS / f"{name}.json")
    plot = file.with_suffix(".png")
    if plot.is_file():
        write(RESULTS / f"{name}.png", read(plot))
    _fill_pages()


def _fill_pages() -> None:
    for page in PAGES:
        page.write_text(with_tables(page.read_text("utf-8")), "utf-8")


def with_tables(page: str) -> str:
    """Replaces what stands between the marks of each result, and of the summary, by its table."""

    def fill(match: re.Match) -> str:
        result = json.loads((RESULTS / f"{match[1]}.json").read_text())
        return f"<!-- result {match[1]} -->\n{table(result)}\n<!-- end -->"

    filled = re.sub(r"<!-- result (\w+) -->\n.*?<!-- end -->", fill, page, flags=re.DOTALL)
    marks = "<!-- summary -->\n", "<!-- end of summary -->"
    return re.sub(
        f"{marks[0]}.*?{marks[1]}", lambda _: summary().join(marks), filled, flags=re.DOTALL
    )


def summary() -> str:
    """A row for each evaluated run: the worst of its directions."""
    lines = [
        "| method | pictures | retrieval@1 ↑ | outside ↓ | accuracy ↑ | KID ↓ | minutes |",
        "|---" * 7 + "|",
    ]
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        if "evaluation" not in result:
            continue
        each = [one["rows"]["output"] for one in result["evaluation"]["directions"].values()]
        cells = [
            "–" if each[0].get(figure) is None else f"{worst(one[figure] for one in each):.3f}"
            for figure, worst in (
                ("content/retrieval@1", min),
                ("content/outside", max),
                ("domain/accuracy", min),
                ("domain/kid/judge@64", max),
            )
        ]
        pictures = path.stem.removeprefix(f"{result['config']['method']}_").replace("_", " ")
        cells.append(f"{result['training_minutes']:.0f}")
        lines.append(f"| {result['config']['method']} | {pictures} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def table(result: dict) -> str:
    """One table a direction: the rows of an evaluation, the figures that are shown."""
    if "ablation" in result:
        return _ablation_table(result)
    if "benchmark" in result:
        return _benchmark_table(result)
    if "verification" in result:
        return _verification_table(result)
    if "side_by_side" in result:
        return _side_by_side_table(result)
    if "kills" in result:
        return _kills_table(result)
    if "memory" in result:
        return _memory_table(result)
    if "input" in result:
        return _input_table(result)
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


def _side_by_side_table(result: dict) -> str:
    """Our training steps beside PyTorch's: a row a step and precision."""
    with_torch = f"PyTorch {result['versions']['torch']}"
    about = f"batch {result['batch']}, {result['threads']} threads, {result['machine']}"
    lines = [f"`{result['command']}`: {about}", ""]
    lines.append(
        f"| step | ms | {with_torch}, ms | ratio (p10 to p90) | GMAC | share of peak | PyTorch's |"
    )
    lines.append("|---" * 7 + "|")
    for row, values in result["side_by_side"].items():
        layout = values["PyTorch layout"].replace("_", " ")
        cells = [f"{values['ms']:.0f}", f"{values['PyTorch ms']:.0f} ({layout})"]
        spread = f"{values['ratio p10']:.3f} to {values['ratio p90']:.3f}"
        cells += [f"{values['ratio']:.3f} ({spread})", f"{values['GMAC']:.1f}"]
        cells += [f"{values['share of peak']:.0%}", f"{values['PyTorch share of peak']:.0%}"]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_conditions(result), ""])


def _conditions(result: dict) -> list[str]:
    """What the steps have in common, and what the shares are of."""
    rows = result["side_by_side"]
    exact = [v["first step differs by"] for name, v in rows.items() if name.endswith("float32")]
    peaks = {name.split(", ")[-1]: values["peak GMAC/s"] for name, values in rows.items()}
    told = ", ".join(f"{peak:.0f} in {precision}" for precision, peak in peaks.items())
    side, lines = result["matrix product"], []
    if exact:
        lines.append(
            f"From the same weights and batch the losses of the first step differ by at most "
            f"{max(exact):.1g} in float32; networks have equal parameters."
        )
    return [
        *lines,
        f"The peak is the faster of both at a product of {side}² matrices, thousand million "
        f"multiply-adds (GMAC) a second: {told}.",
    ]


def _kills_table(result: dict) -> str:
    """A row a method: where it was killed, and what became of it."""
    lines = [f"`{result['command']}`: runs of {result['steps']} steps, {result['machine']}", ""]
    lines.append(
        "| method | kills | in | as a file was written | ahead of a checkpoint | resumed "
        "| equal, bit for bit | largest difference |"
    )
    lines.append("|---" * 8 + "|")
    rows = result["kills"]
    methods = {row["method"]: [r for r in rows if r["method"] == row["method"]] for row in rows}
    for method, own in {**methods, "**all**": rows}.items():
        stages = [row["stage"] for row in own]
        told = ", ".join(f"{stage} {stages.count(stage)}" for stage in dict.fromkeys(stages))
        apart = [row["difference"] for row in own if row["difference"] is not None]
        cells = [str(len(own)), "" if own is rows else told]
        cells += [str(sum(row["writing"] is not None for row in own))]
        cells += [str(sum(not row["checkpoints"] for row in own))]
        cells += [str(sum(row["resumed"] for row in own)), str(sum(row["equal"] for row in own))]
        cells.append(f"{max(apart):.1g}" if apart else "–")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _memory_table(result: dict) -> str:
    """One row: how memory grew with the steps of a run."""
    told = result["memory"]
    lines = [f"`{result['command']}`, {result['machine']}", ""]
    lines.append("| " + " | ".join(name.replace("_", " ") for name in told) + " |")
    lines.append("|---" * len(told) + "|")
    lines.append("| " + " | ".join(str(value) for value in told.values()) + " |")
    return "\n".join([*lines, ""])


def _input_table(result: dict) -> str:
    """A row a layout and size: pictures a second of training, and of each source of them."""
    rows = result["input"]
    sources = list(rows[0]["rates"])
    about = f"{result['pictures']} pictures, {result['cores']} cores, {result['machine']}"
    lines = [f"`{result['command']}`: pictures a second (times training), {about}", ""]
    lines.append("| layout | px | training, preset | " + " | ".join(sources) + " |")
    lines.append("|---" * (3 + len(sources)) + "|")
    for row in rows:
        rates = [f"{rate:.0f} ({rate / row['training']:.1f}×)" for rate in row["rates"].values()]
        cells = [row["layout"], f"{row['side']}", f"{row['training']:.1f}, {row['preset']}", *rates]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _verification_table(result: dict) -> str:
    """A row a model, signature of floats and output; a column a recipe: PSNR, SSIM if a picture."""
    recipes = list(dict.fromkeys(row["recipe"] for row in result["verification"]))
    places: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in result["verification"]:
        if not row["signature"].endswith("_uint8"):  # theirs are in the file
            place = (row["model"], row["signature"], row["output"])
            places.setdefault(place, {})[row["recipe"]] = row
    lines = [
        f"`{result['command']}`: PSNR in dB / SSIM on held-out pictures; ✗ out of tolerance",
        "",
    ]
    lines.append("| model | signature | pictures | " + " | ".join(recipes) + " |")
    lines.append("|---" * (3 + len(recipes)) + "|")
    for (model, signature, output), by_recipe in places.items():
        count = max(row["pictures"] for row in by_recipe.values())
        name = signature if output == "image" else f"{signature}: {output}"
        cells = [_verified(by_recipe.get(recipe)) for recipe in recipes]
        lines.append(f"| {model} | {name} | {count} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, *_sizes(result), *_not_exported(result), ""])


def _verified(row: dict | None) -> str:
    if row is None:
        return "–"
    psnr = "equal" if row["psnr"] is None else f"{row['psnr']:.1f}"
    ssim = "" if row["ssim"] is None else f" / {row['ssim']:.4f}"
    return psnr + ssim + ("" if row["passed"] else " ✗")


def _sizes(result: dict) -> list[str]:
    sizes: dict[str, dict[str, int]] = {}
    for row in result["verification"]:
        sizes.setdefault(row["model"], {})[row["recipe"]] = row["bytes"]
    told = [
        f"{model} " + ", ".join(f"{name} {size / 1e6:.1f}" for name, size in each.items())
        for model, each in sizes.items()
    ]
    return ["", f"Megabytes: {'; '.join(told)}."]


def _not_exported(result: dict) -> list[str]:
    return [
        f"Not exported: {model}, {recipe}: {reason}"
        for model, reasons in result["not exported"].items()
        for recipe, reason in reasons.items()
    ]


def main(arguments: list[str]) -> None:
    """Chooses by the first argument what is published."""
    if arguments[0] == "--ablation":
        publish_ablation(Path(arguments[1]), arguments[2])
    elif arguments[0] == "--benchmark":
        publish_benchmark(Path(arguments[1]), arguments[2])
    elif arguments[0] in TABLES:
        publish_table(Path(arguments[1]) / TABLES[arguments[0]], arguments[2])
    else:
        publish(Path(arguments[0]), arguments[1], arguments[2])


if __name__ == "__main__":
    main(sys.argv[1:])
