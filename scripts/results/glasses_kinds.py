"""The error of glasses that are drawn perfectly, but of another kind, in the task `glasses`.

python -m scripts.results.glasses_kinds

The glasses of the truth are one of five kinds, and nothing in the input says which. Drawing them
perfectly, but of a kind by chance, has an error to the truth: that of each kind is measured inside
the edit. The result is assets/results/glasses_kinds.json.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from scripts.results.provenance import provenance
from scripts.results.seen_people import read_images, read_table
from tf_translate.config.task import load_task
from tf_translate.data.fetch import avatars
from tf_translate.evaluation.metrics.pixel_distance import l1_inside_edit
from tf_translate.experiment.compare.prepare import data_folder

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "assets" / "results" / "glasses_kinds.json"
COMMAND = "python -m scripts.results.glasses_kinds"
SETS = "dicebear-glasses.csv"


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


def main() -> None:
    """Measures the errors and writes the result."""
    _, task = load_task("glasses")
    found = errors_of_kinds(data_folder(task, "glasses", None))
    result = {**provenance(COMMAND, ("numpy", "pillow")), "error_inside_by_kind": found}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(f"error inside the edit of glasses that are drawn perfectly: {found}")


if __name__ == "__main__":
    main()
