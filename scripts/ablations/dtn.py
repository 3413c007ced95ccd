"""DTN's ablations on street digits to MNIST: which part keeps the digit?

python scripts/ablations/dtn.py TABLE FOLDER [--extra TABLE] [KEY=VALUE]...

The tables come from scripts/make_digits; KEY=VALUE are settings of the transfer, such as
training.steps=3000. f is trained once, on the street digits of the extra table if there is one
(as the paper's f learns from SVHN's "extra" part), and given to every variant. "no f" has an
encoder of its own in G, which learns with g (paper, table 1). Runs and ablation.json are written
into FOLDER, and runs that are done are not trained again. `spread` says how varied the digits of
a class are, real MNIST being 1: a g that draws one good digit for each class is right, and poor.
"""

import argparse
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.evaluation.judges.label_judge import train_label_judge
from tf_translate.experiment.load_run import load_trained

VARIANTS = {
    "DTN": {},
    "no target identity": {"loss_weights.target_identity": 0},
    "no constancy": {"loss_weights.constancy": 0},
    "no f": {"model.encoder": "own"},
    "neither": {"loss_weights.constancy": 0, "loss_weights.target_identity": 0},
}
FEATURE_STEPS = 8000
STEPS = 3000
OUTPUT = "translated street digits"


def main(table: Path, folder: Path, extra: Path, settings: dict[str, str], command: str) -> None:
    """Trains and measures every variant, then writes the table."""
    features = train_features(extra, folder)
    given = {"data.path": table, "model.features": features, "training.steps": STEPS} | settings
    rows, columns = {}, {}
    for name, variant in VARIANTS.items():
        path = folder / name.replace(" ", "_")
        ablation.train("dtn", path, given | variant)
        rows[name], columns["street"], columns[name] = measure(path, folder / "judges")
        print(f"{name:20} {rows[name][OUTPUT]:.3f}", flush=True)
        ablation.save(folder, command, rows, columns)


def train_features(table: Path, folder: Path) -> Path:
    """Trains f on labelled street digits, unless it is there; gives its file."""
    path = folder / "f.keras"
    if not path.exists():
        run = folder / "features"
        stages = {
            "training.steps": FEATURE_STEPS + 1,
            "training.stages.features": FEATURE_STEPS / (FEATURE_STEPS + 1),
        }
        ablation.train("dtn", run, {"data.path": table} | stages)
        load_trained(run).translator.features.save(path)
    return path


def measure(path: Path, judges: Path) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Accuracies of an independent MNIST classifier, and some inputs and translations."""
    trained = load_trained(path)
    data = trained.data
    judge = train_label_judge(
        data.arrays("train")[1], data.labels("train", "b"), data.classes, folder=judges
    )
    street, mnist = data.arrays("test")
    parts = [trained.translator(street[i : i + 50]) for i in range(0, len(street), 50)]
    translated = np.concatenate([np.asarray(part) for part in parts])
    said = {
        OUTPUT: judge.hits(translated, data.labels("test", "a")),
        "untranslated street digits": judge.hits(street, data.labels("test", "a")),
        "real MNIST": judge.hits(mnist, data.labels("test", "b")),
    }
    row = {name: float(hits.mean()) for name, hits in said.items()}
    row["spread"] = spread(translated, data.labels("test", "a")) / spread(
        mnist, data.labels("test", "b")
    )
    return row, street[:12], np.repeat(translated[:12], 3, axis=-1)


def spread(images: np.ndarray, labels: np.ndarray) -> float:
    """How unlike digits of one class are: the standard deviation of a pixel, on average."""
    deviations = [images[labels == label].std(axis=0).mean() for label in np.unique(labels)]
    return float(np.mean(deviations))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="street digits and MNIST for the transfer")
    parser.add_argument("folder", type=Path, help="where runs and results go")
    parser.add_argument("--extra", type=Path, help="table whose street digits f learns from")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="of the transfer")
    return parser.parse_intermixed_args()


def _command(told: argparse.Namespace) -> str:
    """The command without this machine's paths."""
    extra = ["--extra", _short(told.extra)] if told.extra else []
    return " ".join(
        ["scripts/ablations/dtn.py", _short(told.table), "FOLDER", *extra, *told.settings]
    )


def _short(table: Path) -> str:
    return f"{table.parent.name}/{table.name}"


if __name__ == "__main__":
    told = _arguments()
    settings = dict(pair.split("=", 1) for pair in told.settings)
    main(told.table, told.folder, told.extra or told.table, settings, _command(told))
