"""DTN's ablations on street digits to MNIST: which part keeps the digit?

python scripts/ablate_dtn.py TABLE FOLDER [STEPS]

TABLE comes from scripts/make_digits; runs and ablation.json are written into FOLDER, and runs
that are done are not trained again. f is trained once, as part of the first run, and given to
every variant. "no f" has an encoder of its own in G, which learns with g (paper, table 1).
"""

import sys
from pathlib import Path

import ablation
import numpy as np

from tf_translate.evaluation.label_judge import train_label_judge
from tf_translate.experiment.trained import load_trained

VARIANTS = {
    "DTN": {},
    "no target identity": {"terms.target_identity": 0},
    "no constancy": {"terms.constancy": 0},
    "no f": {"model.encoder": "own"},
    "neither": {"terms.constancy": 0, "terms.target_identity": 0},
}
FEATURE_STEPS = 8000
OUTPUT = "translated street digits"


def main(table: Path, folder: Path, steps: int) -> None:
    """Trains and measures every variant, then writes the table."""
    data = {"data.path": table}
    first = folder / "features"
    stages = {
        "training.steps": FEATURE_STEPS + 1,
        "training.stages.features": FEATURE_STEPS / (FEATURE_STEPS + 1),
    }
    ablation.train("dtn", first, data | stages)
    features = folder / "f.keras"
    if not features.exists():
        load_trained(first).translator.features.save(features)
    rows, columns = {}, {}
    for name, settings in VARIANTS.items():
        path = folder / name.replace(" ", "_")
        given = {"model.features": features, "training.steps": steps}
        ablation.train("dtn", path, data | given | settings)
        rows[name], columns["street"], columns[name] = measure(path, folder / "judges")
        print(f"{name:20} {rows[name][OUTPUT]:.3f}", flush=True)
        ablation.save(folder, f"scripts/ablate_dtn.py {table.name} FOLDER {steps}", rows, columns)


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
    grey = np.repeat(translated[:12], 3, axis=-1)
    return {name: float(hits.mean()) for name, hits in said.items()}, street[:12], grey


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 3000)
