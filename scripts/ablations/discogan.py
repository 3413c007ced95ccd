"""DiscoGAN's ablation (section 2 of its paper): does reconstruction prevent mode collapse?

python -m scripts.ablations.discogan FOLDER [KEY=VALUE]...   (settings, e.g. training.steps=500)

Trains three presets in FOLDER: discogan_gan (one direction), discogan_recongan (one direction with
reconstruction) and discogan_small (both directions). The same judges evaluate all on held-out
images. Writes ablation.json and ablation.png there. Finished runs are not trained again.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.experiment.load_run import load_run

PRESETS = {"gan": "discogan_gan", "recongan": "discogan_recongan", "DiscoGAN": "discogan_small"}
METRICS = ("content/retrieval@1", "domain/accuracy", "domain/kid/judge@64", "completeness")
SHOWN = 12


def main(folder: Path, settings: dict[str, str], command: str) -> None:
    """Trains and evaluates every variant and writes the table."""
    rows, columns, judges = {}, {}, folder / "judges"
    for name, preset in PRESETS.items():
        run = folder / name
        ablation.train(preset, run, settings)
        table = evaluate(run, judges)
        rows["unchanged input"] = {metric: table["identity"][metric] for metric in METRICS}
        rows[name] = {metric: table["output"][metric] for metric in METRICS}
        columns["input"], columns[name] = held_out_translations(run)
        print(name, rows[name], flush=True)
        ablation.save(folder, command, rows, columns)


def evaluate(run: Path, judges: Path) -> dict[str, dict[str, float]]:
    """Results of a to b; all runs share the judges of the first, since their data are equal."""
    if judges.exists() and not (run / "evaluation").exists():
        shutil.copytree(judges, run / "evaluation" / "judges")
    done = subprocess.run(
        ["tf-translate", "evaluate", run, "--json"], check=True, capture_output=True
    )
    if not judges.exists():
        shutil.copytree(run / "evaluation" / "judges", judges)
    return json.loads(done.stdout)["directions"]["a_to_b"]["results"]


def held_out_translations(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Held-out inputs and their translations by the run."""
    trained = load_run(run)
    images = trained.data.arrays("test")[0][:SHOWN]
    return images, np.asarray(trained.translator(images))


if __name__ == "__main__":
    command = " ".join(["python -m scripts.ablations.discogan FOLDER", *sys.argv[2:]])
    main(Path(sys.argv[1]), dict(pair.split("=") for pair in sys.argv[2:]), command)
