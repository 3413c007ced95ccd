"""Scores of published cells without the held-out people that look like one of training.

python -m scripts.results.seen_people

Drawn people are made of the same parts, so some look the same as someone of training in every
pixel. For each cell of the tasks with drawn people, the scores of single images are taken on all
inputs, and on those that no training image equals. The kernel distance is one of sets; it is not
taken again. The result is assets/results/seen_people.json.
"""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scripts.results.provenance import provenance
from tf_translate.config.task import load_task
from tf_translate.experiment.compare.cells.cell_images import image_keys, read_per_image
from tf_translate.experiment.compare.prepare import data_folder

ROOT = Path(__file__).parents[2]
CELLS = ROOT / "assets" / "results" / "compare"
RESULT = ROOT / "assets" / "results" / "seen_people.json"
COMMAND = "python -m scripts.results.seen_people"
TASKS = ("glasses", "ordinal")
SCORES = ("margin", "reciprocal_rank", "in_target", "l1_inside_edit", "l1_outside_edit")


def read_table(file: Path) -> list[dict[str, str]]:
    """The rows of a table of images."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def read_images(folder: Path, names: list[str]) -> np.ndarray:
    """Images of a table, uint8 `(n, h, w, 3)`."""
    return np.stack([np.asarray(Image.open(folder / name).convert("RGB")) for name in names])


def held_out_keys(table: Path) -> dict[int, bool]:
    """Keys of the held-out images of a table, and whether a training image equals each."""
    rows = read_table(table)
    training = [row["image"] for row in rows if row["split"] == "train"]
    known = {read_images(table.parent, [name])[0].tobytes() for name in training}
    held_out = [row["image"] for row in rows if row["split"] == "test"]
    images = read_images(table.parent, held_out)
    keys = map(int, image_keys(images))
    return {key: image.tobytes() in known for key, image in zip(keys, images, strict=True)}


def compare(folder: Path, held_out: Mapping[int, bool]) -> dict[str, Any] | None:
    """Mean scores of a cell on all its inputs and on those that are not in training."""
    found = read_per_image(folder)
    if found is None or not set(map(int, found.keys)) <= set(held_out):
        return None
    new = np.array([not held_out[int(key)] for key in found.keys])
    return {
        "seen": int((~new).sum()),
        "images": len(new),
        "all": {name: float(np.nanmean(found.scores[name])) for name in SCORES},
        "not_in_training": {name: float(np.nanmean(found.scores[name][new])) for name in SCORES},
    }


def changes(cells: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The largest change of each score over all cells."""
    return {
        name: max(abs(c["not_in_training"][name] - c["all"][name]) for c in cells.values())
        for name in SCORES
    }


def compare_all(name: str) -> dict[str, dict[str, Any]]:
    """The scores of all published cells of a task that are no ablations, by the cell's folder."""
    _, task = load_task(name)
    folder = data_folder(task, name, None)
    by_table: dict[str, dict[int, bool]] = {}
    cells = {}
    for record in sorted((CELLS / name).glob("*/cell.json")):
        cell = json.loads(record.read_text("utf-8"))
        if "ablation" in cell:
            continue
        table = Path(task.settings_of(cell["name"])["data.path"]).name
        if table not in by_table:
            by_table[table] = held_out_keys(folder / table)
        found = compare(record.parent, by_table[table])
        if found is None:
            print(f"{name}, {record.parent.name}: measured on other images, and left out")
            continue
        cells[record.parent.name] = found
    return cells


def main() -> None:
    """Compares all published cells and writes the result."""
    seen = {}
    for task in TASKS:
        cells = compare_all(task)
        seen[task] = {"largest_change": changes(cells), "cells": cells}
        for name, each in cells.items():
            pairs = (f"{s} {each['all'][s]:.3f} {each['not_in_training'][s]:.3f}" for s in SCORES)
            print(f"{task}, {name}: {each['seen']} of {each['images']} seen; {', '.join(pairs)}")
        print(f"{task}, largest change: {seen[task]['largest_change']}")
    result = {**provenance(COMMAND, ("numpy", "pillow")), "seen_people": seen}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
