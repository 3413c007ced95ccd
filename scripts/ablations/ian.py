"""IAN's photo editor: glasses painted on people, or skin over their glasses, stroke by stroke.

python scripts/ablations/ian.py RUN FOLDER [--table TABLE] [--people 256]

RUN is a run of IAN on the avatars; TABLE their table with the columns person and glasses (default:
the run's own data). For held-out people drawn with and without glasses, the strokes are the pixels
in which the other drawing differs: what a user would paint who knows the answer. Every row is
measured inside the strokes against the other drawing, and outside them against the image itself,
as the mean absolute difference in [-1, 1]; `worn` is how many wear what was painted, says a judge
that learnt from training images. The fixed rows: the image handed back, and the strokes pasted
into it (the truth). Writes ablation.json and ablation.png into FOLDER.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.cli.output import load_tensorflow
from tf_translate.images import read, resize, to_float

STEPS = (1, 3, 10, 30, 100)
BATCH = 32
VISIBLE = 8 / 255  # a difference of a channel, of 2, that counts as painted
TAUGHT = 4000  # images that the judge learns from


def main(run: Path, folder: Path, table: Path | None, people: int, command: str) -> None:
    """Edits, measures and writes."""
    from tf_translate.experiment.load_run import load_trained

    folder.mkdir(parents=True, exist_ok=True)
    trained = load_trained(run)
    table = table or Path(trained.config.data.path)
    size = tuple(trained.config.data.size)
    plain, glasses = held_out(table, size, people)
    judge = taught(table, size, folder)
    rows, columns = {}, {}
    for name, image, target in (("on", plain, glasses), ("off", glasses, plain)):
        mask = (np.abs(image - target).max(-1, keepdims=True) > VISIBLE).astype(np.float32)
        columns |= {f"glasses {name}": image[:10], "painted": target[:10]} if name == "on" else {}
        for row, output in outputs(trained.translator, image, target, mask):
            rows[f"{name}: {row}"] = measured(output, image, target, mask, judge, name == "on")
            print(f"{name}: {row:24}", rows[f"{name}: {row}"], flush=True)
            if name == "on" and row.startswith(("reconstructed", "edit")):
                columns[row] = output[:10]
    ablation.save(folder, command, rows, columns)


def held_out(table: Path, size: tuple[int, int], people: int) -> tuple[np.ndarray, np.ndarray]:
    """People of the test split without and with glasses, all else equal, in [-1, 1]."""
    wearing = defaultdict(dict)
    for row in _rows(table, "test"):
        wearing[row["person"], row["beard"]][row["glasses"]] = table.parent / row["image"]
    pairs = [found for found in wearing.values() if len(found) == 2][:people]
    return tuple(_images([pair[worn] for pair in pairs], size) for worn in "01")


def taught(table: Path, size: tuple[int, int], folder: Path):
    """A judge of glasses that learnt from training images."""
    from tf_translate.evaluation.judges.label_judge import train_label_judge

    rows = _rows(table, "train")[:TAUGHT]
    images = _images([table.parent / row["image"] for row in rows], size)
    labels = np.array([int(row["glasses"]) for row in rows])
    return train_label_judge(images, labels, ("none", "glasses"), folder=folder / "judges")


def outputs(translator, image, target, mask):
    """Rows and their images: the fixed ones, the reconstruction, and edits of many steps."""
    yield "image itself", image
    yield "strokes pasted in", np.where(mask > 0, target, image)
    yield "reconstructed", _in_batches(translator.signatures()["reconstruct"].function, image)
    for steps in STEPS:
        translator.edit_steps = steps
        edit = translator.signatures()["edit"].function
        yield f"edit, {steps} steps", _in_batches(edit, image, target, mask)


def measured(output, image, target, mask, judge, on: bool) -> dict[str, float]:
    """Metrics of a row."""

    def difference(other, where):
        where = np.broadcast_to(where, output.shape)
        return float((np.abs(output - other) * where).sum() / where.sum())

    worn = judge.hits(output, np.full(len(output), int(on)))
    return {
        "inside, to the painted": difference(target, mask),
        "outside, to the image": difference(image, 1.0 - mask),
        "worn": float(worn.mean()),
    }


def _rows(table: Path, split: str) -> list[dict[str, str]]:
    with table.open() as lines:
        return [row for row in csv.DictReader(lines) if row["split"] == split]


def _images(files, size: tuple[int, int]) -> np.ndarray:
    return np.stack([to_float(resize(read(file), size)) for file in files])


def _in_batches(function, *given: np.ndarray) -> np.ndarray:
    parts = range(0, len(given[0]), BATCH)
    return np.concatenate([np.asarray(function(*_cut(given, at))["image"]) for at in parts])


def _cut(given, at: int):
    return [each[at : at + BATCH] for each in given]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run of IAN on the avatars")
    parser.add_argument("folder", type=Path, help="where the judge and results go")
    parser.add_argument("--table", type=Path, help="of the avatars; default: the run's data")
    parser.add_argument("--people", type=int, default=256, help="how many, default %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    told = _arguments()
    load_tensorflow()
    ran = f"scripts/ablations/ian.py RUN FOLDER --people {told.people}"
    main(told.run, told.folder, told.table, told.people, ran)
