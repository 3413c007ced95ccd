"""DiscoGAN's ablation (section 2 of its paper): does the way back keep images apart?

python scripts/ablations/discogan.py FOLDER [KEY=VALUE]...   (settings, e.g. training.steps=500)

Trains the presets discogan_gan (one way, no way back), discogan_recongan (one way and back)
and discogan_small in FOLDER, evaluates them on held-out images by the same judges and writes
ablation.json and ablation.png there. Runs that are done are not trained again.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.experiment.load_run import load_trained

PRESETS = {"gan": "discogan_gan", "recongan": "discogan_recongan", "DiscoGAN": "discogan_small"}
METRICS = ("content/retrieval@1", "domain/accuracy", "domain/kid/judge@64", "completeness")
SHOWN = 12


def main(folder: Path, settings: dict[str, str], command: str) -> None:
    """Trains and measures every variant, then writes the table."""
    rows, columns, judges = {}, {}, folder / "judges"
    for name, preset in PRESETS.items():
        run = folder / name
        ablation.train(preset, run, settings)
        table = evaluate(run, judges)
        rows["input as it is"] = {metric: table["identity"][metric] for metric in METRICS}
        rows[name] = {metric: table["output"][metric] for metric in METRICS}
        columns["input"], columns[name] = held_out_translations(run)
        print(name, rows[name], flush=True)
        ablation.save(folder, command, rows, columns)


def evaluate(run: Path, judges: Path) -> dict[str, dict[str, float]]:
    """Rows of the direction a to b; judges of the first run serve all, as data are equal."""
    if judges.exists() and not (run / "evaluation").exists():
        shutil.copytree(judges, run / "evaluation" / "judges")
    done = subprocess.run(
        ["tf-translate", "evaluate", run, "--json"], check=True, capture_output=True
    )
    if not judges.exists():
        shutil.copytree(run / "evaluation" / "judges", judges)
    return json.loads(done.stdout)["directions"]["a_to_b"]["rows"]


def held_out_translations(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Some held-out inputs and what the run makes of them."""
    trained = load_trained(run)
    images = trained.data.arrays("test")[0][:SHOWN]
    return images, np.asarray(trained.translator(images))


if __name__ == "__main__":
    chosen = dict(pair.split("=") for pair in sys.argv[2:])
    main(
        Path(sys.argv[1]),
        chosen,
        " ".join(["scripts/ablations/discogan.py FOLDER", *sys.argv[2:]]),
    )
