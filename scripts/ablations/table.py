"""Trains the variants of an ablation, and writes its table and image."""

import datetime
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_translate.images import grid, write

SEED = 0


def train(preset: str, run: Path, settings: Mapping[str, object]) -> None:
    """Trains a run of a preset with `SEED`, unless it has finished."""
    if (run / "model.keras").exists():
        return
    seeded = {"training.seed": SEED, **settings}
    overrides = [part for key, value in seeded.items() for part in ("--set", f"{key}={value}")]
    subprocess.run(["tf-translate", "train", preset, "--run", run, *overrides], check=True)


def save(
    folder: Path,
    command: str,
    rows: Mapping[str, Mapping[str, float]],
    columns: Mapping[str, np.ndarray],
    **more: object,
) -> None:
    """Writes FOLDER/ablation.json, the metrics of each row, and ablation.png, the columns.

    `more` goes into the JSON file too.
    """
    result = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "seed": SEED,
        "ablation": rows,
        **more,
    }
    (folder / "ablation.json").write_text(json.dumps(result, indent=1) + "\n")
    write(folder / "ablation.png", grid(list(columns.values()), titles=list(columns), scale=2))
