"""DTN's ablations on street digits to MNIST: which part keeps the digit?

python scripts/ablate_dtn.py TABLE FOLDER [STEPS]

TABLE comes from scripts/make_digits; runs and ablation.json are written into FOLDER, and runs
that are done are not trained again. f is trained once, with the whole method, and given to the
others. "no f" has an encoder of its own in G, which learns with g (paper, table 1).
"""

import json
import subprocess
import sys
from pathlib import Path

import keras

from tf_translate import DTN  # noqa: F401  registers the class that model.keras holds

VARIANTS = {
    "DTN": (),
    "no target identity": ("terms.target_identity=0",),
    "no constancy": ("terms.constancy=0",),
    "no f": ("model.encoder=own",),
    "neither": ("terms.constancy=0", "terms.target_identity=0"),
}


def main(table: Path, folder: Path, steps: int) -> None:
    """Trains and measures every variant, then writes the table."""
    data = (f"data.path={table}",)
    first = folder / "features"
    run("train", "dtn", first, *data, f"training.steps={2 * steps}", "training.stages.features=0.5")
    features = folder / "f.keras"
    if not features.exists():
        keras.models.load_model(first / "model.keras").features.save(features)
    rows = {}
    for name, settings in VARIANTS.items():
        path = folder / name.replace(" ", "_")
        given = f"model.features={features}"
        run("train", "dtn", path, *data, given, f"training.steps={steps}", *settings)
        rows[name] = measure(path)
        print(f"{name:20} {rows[name]['output']:.3f}", flush=True)
    (folder / "ablation.json").write_text(json.dumps(rows, indent=1) + "\n")


def run(command: str, method: str, path: Path, *settings: str) -> None:
    """Trains a run unless it is done."""
    if (path / "model.keras").exists():
        return
    overrides = [part for setting in settings for part in ("--set", setting)]
    subprocess.run(["tf-translate", command, method, "--run", path, *overrides], check=True)


def measure(path: Path) -> dict[str, float]:
    """Accuracy of the independent MNIST classifier on translated held-out street digits."""
    folder = path / "evaluation"
    if not list(folder.glob("*.json")):
        subprocess.run(["tf-translate", "evaluate", path], check=True)
    (figures,) = folder.glob("*.json")
    direction = json.loads(figures.read_text())["directions"]["a_to_b"]
    own = direction["references"]["label judge: accuracy on real held-out target images"]
    figures_of = {name: row["content/label"] for name, row in direction["rows"].items()}
    return {**figures_of, "judge on real target": own}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 800)
