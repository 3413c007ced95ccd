"""What the held-out people of the task `glasses` can tell, and what not.

python -m scripts.results.glasses_people

1. Some people look the same as someone of training in every pixel, since all are made of the same
   parts. For each published cell, the scores of single images are taken on all held-out people,
   and on those whose image no training image equals. The kernel distance is one of sets; it is
   not taken again.
2. The glasses of the truth are one of five kinds, and nothing in the input says which. Drawing
   them perfectly, but of a kind by chance, has an error to the truth: that of each kind is
   measured inside the edit.

The result is assets/results/glasses_people.json.
"""

import csv
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scripts.benchmarks.machine import machine, versions
from scripts.results.advice_data import revision
from tf_translate.config.task import load_task
from tf_translate.data.fetch import avatars
from tf_translate.evaluation.metrics.pixel_distance import l1_inside_edit
from tf_translate.experiment.compare.cells.cell_images import image_keys, read_per_image
from tf_translate.experiment.compare.prepare import data_folder

ROOT = Path(__file__).parents[2]
CELLS = ROOT / "assets" / "results" / "compare" / "glasses"
RESULT = ROOT / "assets" / "results" / "glasses_people.json"
COMMAND = "python -m scripts.results.glasses_people"
SETS = "dicebear-glasses.csv"
SCORES = ("margin", "reciprocal_rank", "in_target", "l1_inside_edit", "l1_outside_edit")


def read_table(file: Path) -> list[dict[str, str]]:
    """The rows of a table of images."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def read_images(folder: Path, names: list[str]) -> np.ndarray:
    """Images of a table, uint8 `(n, h, w, 3)`."""
    return np.stack([np.asarray(Image.open(folder / name).convert("RGB")) for name in names])


def seen_keys(table: Path) -> tuple[set[int], set[int]]:
    """Keys of the held-out people without glasses, and of those that equal a training image."""
    rows = read_table(table)
    training = [row["image"] for row in rows if row["split"] == "train"]
    known = {read_images(table.parent, [name])[0].tobytes() for name in training}
    held_out = [r["image"] for r in rows if r["split"] == "test" and r["glasses"] == "0"]
    images = read_images(table.parent, held_out)
    keys = list(map(int, image_keys(images)))
    seen = {key for key, image in zip(keys, images, strict=True) if image.tobytes() in known}
    return set(keys), seen


def compare(folder: Path, held_out: set[int], seen: set[int]) -> dict[str, Any] | None:
    """Mean scores of a cell on all held-out people and on those that are not in training."""
    found = read_per_image(folder)
    if found is None or set(map(int, found.keys)) != held_out:
        return None
    new = np.array([int(key) not in seen for key in found.keys])
    return {
        "seen": int((~new).sum()),
        "images": len(new),
        "all": {name: float(np.nanmean(found.scores[name])) for name in SCORES},
        "not_in_training": {name: float(np.nanmean(found.scores[name][new])) for name in SCORES},
    }


def errors_of_kinds(folder: Path) -> dict[str, Any]:
    """Errors inside the edit if glasses are drawn perfectly, but of another kind than the truth's.

    Args:
        folder: Folder of the data.
    """
    style = avatars.load_open_peeps()
    rows = [row for row in read_table(folder / SETS) if row["split"] == "test"]
    people: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        people.setdefault(row["person"], {})[row["glasses"]] = row
    errors = []
    for person, both in people.items():
        source, truth = read_images(folder, [both["0"]["image"], both["1"]["image"]])
        drawn = [
            np.asarray(
                avatars.draw_head(style, person, (1, int(both["1"]["beard"])), side=64, kind=kind)
            )
            for kind in avatars.GLASSES
        ]
        inputs = (np.stack(drawn), np.stack([source] * len(drawn)), np.stack([truth] * len(drawn)))
        errors.append(l1_inside_edit(*(to_float(each) for each in inputs)))
    values = np.array(errors, np.float64)
    own = values < 1e-6
    if not own.any(1).all():
        raise RuntimeError("no kind of glasses gives the truth of some person")
    return {
        "people": len(values),
        "kinds": list(avatars.GLASSES),
        "mean_over_kinds": float(values.mean()),
        "mean_of_other_kinds": float(values[~own].mean()),
        "by_kind": values.mean(0).tolist(),
    }


def to_float(images: np.ndarray) -> np.ndarray:
    """uint8 images as float32 in [-1, 1]."""
    return images.astype(np.float32) / 127.5 - 1.0


def changes(cells: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The largest change of each score over all cells."""
    return {
        name: max(abs(c["not_in_training"][name] - c["all"][name]) for c in cells.values())
        for name in SCORES
    }


def main() -> None:
    """Compares all published cells and writes the result."""
    _, task = load_task("glasses")
    folder = data_folder(task, "glasses", None)
    by_table: dict[str, tuple[set[int], set[int]]] = {}
    cells = {}
    for record in sorted(CELLS.glob("*/cell.json")):
        cell = json.loads(record.read_text("utf-8"))
        if "ablation" in cell:
            continue
        table = Path(task.settings_of(cell["name"])["data.path"]).name
        if table not in by_table:
            by_table[table] = seen_keys(folder / table)
        found = compare(record.parent, *by_table[table])
        if found is None:
            print(f"{record.parent.name}: it was measured on other images, and is left out")
            continue
        cells[record.parent.name] = found
    kinds = errors_of_kinds(folder)
    result = {
        "command": COMMAND,
        "date": datetime.date.today().isoformat(),
        "revision": revision(),
        "machine": machine(),
        "versions": versions(("numpy", "pillow")),
        "error_inside_by_kind": kinds,
        "largest_change": changes(cells),
        "people": cells,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for name, each in cells.items():
        pairs = (f"{s} {each['all'][s]:.3f} {each['not_in_training'][s]:.3f}" for s in SCORES)
        print(f"{name}: {each['seen']} of {each['images']} seen; {', '.join(pairs)}")
    print(f"largest change: {result['largest_change']}")
    print(f"error inside the edit of glasses that are drawn perfectly: {kinds}")


if __name__ == "__main__":
    main()
