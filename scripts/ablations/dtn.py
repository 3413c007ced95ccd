"""DTN's ablations on street digits to MNIST: which part preserves the digit?

python -m scripts.ablations.dtn TABLE FOLDER [--extra TABLE] [KEY=VALUE]...

`scripts/make digits` writes the tables. KEY=VALUE are settings of the transfer stage, such as
training.steps=3000. The feature extractor f is trained once and used by every variant. It learns
from the street digits of the extra table, if there is one, as the paper's f learns from SVHN's
"extra" part. In "no f", an encoder is trained with g inside G (paper, table 1). FOLDER receives
the runs and ablation.json; finished runs are not trained again. `spread` measures how varied the
digits of a class are; real MNIST has 1. A g with one good image per class is accurate, but its
spread is low.
"""

import argparse
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.evaluation.judges.label_judge import train_label_judge
from tf_translate.experiment.load_run import load_run

VARIANTS = {
    "DTN": {},
    "no target identity": {"loss_weights.target_identity": 0},
    "no constancy": {"loss_weights.constancy": 0},
    "no f": {"model.encoder": "own"},
    "neither": {"loss_weights.constancy": 0, "loss_weights.target_identity": 0},
}
EXTRACTOR_STEPS = 8000
STEPS = 3000
OUTPUT = "translated street digits"


def main(table: Path, folder: Path, extra: Path, settings: dict[str, str], command: str) -> None:
    """Trains and measures every variant and writes the table."""
    shared = {
        "data.path": table,
        "model.feature_extractor": train_feature_extractor(extra, folder),
        "training.steps": STEPS,
        **settings,
    }
    rows, columns = {}, {}
    for name, variant in VARIANTS.items():
        path = folder / name.replace(" ", "_")
        ablation.train("dtn", path, shared | variant)
        rows[name], columns["street"], columns[name] = measure(path, folder / "judges")
        print(f"{name:20} {rows[name][OUTPUT]:.3f}", flush=True)
        ablation.save(folder, command, rows, columns)


def train_feature_extractor(table: Path, folder: Path) -> Path:
    """Trains f on labelled street digits, unless its file exists; returns the file."""
    path = folder / "f.keras"
    if not path.exists():
        run = folder / "feature_extractor"
        stages = {
            "training.steps": EXTRACTOR_STEPS + 1,
            "training.stages.feature_extractor": EXTRACTOR_STEPS / (EXTRACTOR_STEPS + 1),
        }
        ablation.train("dtn", run, {"data.path": table} | stages)
        load_run(run).translator.feature_extractor.save(path)
    return path


def measure(path: Path, judges: Path) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Accuracies of an independent MNIST classifier; some inputs and translations."""
    trained = load_run(path)
    data = trained.data
    judge = train_label_judge(
        data.arrays("train")[1], data.labels("train", "b"), data.classes, folder=judges
    )
    street, mnist = data.arrays("test")
    parts = [trained.translator(street[i : i + 50]) for i in range(0, len(street), 50)]
    translated = np.concatenate([np.asarray(part) for part in parts])
    correct = {
        OUTPUT: judge.correct(translated, data.labels("test", "a")),
        "untranslated street digits": judge.correct(street, data.labels("test", "a")),
        "real MNIST": judge.correct(mnist, data.labels("test", "b")),
    }
    row = {name: float(each.mean()) for name, each in correct.items()}
    row["spread"] = spread(translated, data.labels("test", "a")) / spread(
        mnist, data.labels("test", "b")
    )
    return row, street[:12], np.repeat(translated[:12], 3, axis=-1)


def spread(images: np.ndarray, labels: np.ndarray) -> float:
    """Variation within a class: the standard deviation of a pixel, averaged over classes."""
    deviations = [images[labels == label].std(axis=0).mean() for label in np.unique(labels)]
    return float(np.mean(deviations))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="street digits and MNIST for the transfer")
    parser.add_argument("folder", type=Path, help="where runs and results go")
    parser.add_argument("--extra", type=Path, help="table whose street digits f learns from")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="of the transfer stage")
    return parser.parse_intermixed_args()


def _command(options: argparse.Namespace) -> str:
    """The command without the paths of this machine."""
    extra = ["--extra", _short(options.extra)] if options.extra else []
    command = ["python -m scripts.ablations.dtn", _short(options.table), "FOLDER"]
    return " ".join([*command, *extra, *options.settings])


def _short(table: Path) -> str:
    return f"{table.parent.name}/{table.name}"


if __name__ == "__main__":
    options = _arguments()
    settings = dict(pair.split("=", 1) for pair in options.settings)
    extra = options.extra or options.table
    main(options.table, options.folder, extra, settings, _command(options))
