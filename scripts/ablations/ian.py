"""IAN's photo editor: glasses painted onto people, and skin painted over their glasses.

python -m scripts.ablations.ian RUN FOLDER [--table TABLE] [--people 256]

RUN is a run of IAN on the avatars. TABLE is their table with the columns person and glasses
(default: the data of the run). Each held-out person has an image with glasses and one without; the
strokes are the pixels in which the two differ, as if a user painted the exact result. Each row is
compared with the target image inside the strokes and with the input image outside, by the mean
absolute difference in [-1, 1]. `judge accuracy` is the fraction of images in which a judge finds
the painted attribute; the judge is trained on training images. Two rows are references: the
unchanged image, and the strokes pasted into it. Writes ablation.json and ablation.png into FOLDER.
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
VISIBLE = 8 / 255  # least difference of a channel, on a scale of 2, that counts as painted
JUDGE_IMAGES = 4000  # training images of the judge


def main(run: Path, folder: Path, table: Path | None, people: int, command: str) -> None:
    """Edits, measures, and writes the table and the images."""
    from tf_translate.experiment.load_run import load_run

    folder.mkdir(parents=True, exist_ok=True)
    trained = load_run(run)
    table = table or Path(trained.config.data.path)
    size = tuple(trained.config.data.size)
    plain, glasses = held_out(table, size, people)
    judge = train_judge(table, size, folder)
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
    by_person = defaultdict(dict)
    for row in _rows(table, "test"):
        by_person[row["person"], row["beard"]][row["glasses"]] = table.parent / row["image"]
    pairs = [images for images in by_person.values() if len(images) == 2][:people]
    return tuple(_images([pair[glasses] for pair in pairs], size) for glasses in "01")


def train_judge(table: Path, size: tuple[int, int], folder: Path):
    """Trains a judge of glasses on training images."""
    from tf_translate.evaluation.judges.label_judge import train_label_judge

    rows = _rows(table, "train")[:JUDGE_IMAGES]
    images = _images([table.parent / row["image"] for row in rows], size)
    labels = np.array([int(row["glasses"]) for row in rows])
    return train_label_judge(images, labels, ("none", "glasses"), folder=folder / "judges")


def outputs(translator, image, target, mask):
    """Rows and their images: the references, the reconstruction, and edits by steps."""
    yield "image itself", image
    yield "strokes pasted in", np.where(mask > 0, target, image)
    yield "reconstructed", _in_batches(translator.signatures()["reconstruct"].function, image)
    for steps in STEPS:
        translator.settings = translator.settings.model_copy(update={"edit_steps": steps})
        edit = translator.signatures()["edit"].function
        yield f"edit, {steps} steps", _in_batches(edit, image, target, mask)


def measured(output, image, target, mask, judge, on: bool) -> dict[str, float]:
    """Metrics of a row."""

    def difference(other, where):
        where = np.broadcast_to(where, output.shape)
        return float((np.abs(output - other) * where).sum() / where.sum())

    correct = judge.correct(output, np.full(len(output), int(on)))
    return {
        "inside, to the target": difference(target, mask),
        "outside, to the image": difference(image, 1.0 - mask),
        "judge accuracy": float(correct.mean()),
    }


def _rows(table: Path, split: str) -> list[dict[str, str]]:
    with table.open() as lines:
        return [row for row in csv.DictReader(lines) if row["split"] == split]


def _images(files, size: tuple[int, int]) -> np.ndarray:
    return np.stack([to_float(resize(read(file), size)) for file in files])


def _in_batches(function, *inputs: np.ndarray) -> np.ndarray:
    outputs = []
    for start in range(0, len(inputs[0]), BATCH):
        batch = [each[start : start + BATCH] for each in inputs]
        outputs.append(np.asarray(function(*batch)["image"]))
    return np.concatenate(outputs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run of IAN on the avatars")
    parser.add_argument("folder", type=Path, help="where the judge and the results go")
    parser.add_argument("--table", type=Path, help="default: the data of the run")
    parser.add_argument("--people", type=int, default=256, help="default %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    options = _arguments()
    load_tensorflow()
    command = f"python -m scripts.ablations.ian RUN FOLDER --people {options.people}"
    main(options.run, options.folder, options.table, options.people, command)
