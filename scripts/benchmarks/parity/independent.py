"""Takes the steps in PyTorch: python -m scripts.benchmarks.parity.independent FOLDER...

Each FOLDER holds task.json and task.npz of `ours.py`, and receives independent.npz.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from scripts.benchmarks.parity.methods import (
    conditional_gan,
    dtn,
    fader,
    genegan,
    ian,
    paired,
    two_domains,
)
from scripts.benchmarks.parity.run import Run

# By method and stage: what takes one step, or a class of which one object takes all.
STEPS: dict[tuple[str, str], Callable] = {
    ("pix2pix", "train"): paired.pix2pix,
    ("cyclegan", "train"): two_domains.CycleGAN,
    ("dualgan", "train"): two_domains.dualgan,
    ("discogan", "train"): two_domains.discogan,
    ("dtn", "feature_extractor"): dtn.feature_extractor,
    ("dtn", "transfer"): dtn.transfer,
    ("fader", "train"): fader.fader,
    ("icgan", "gan"): conditional_gan.icgan_gan,
    ("icgan", "encoder_z"): conditional_gan.latent_encoder("encoder_z"),
    ("icgan", "encoder_y"): conditional_gan.attribute_encoder,
    ("genegan", "train"): genegan.genegan,
    ("age_cgan", "identity_embedder"): conditional_gan.identity_embedder,
    ("age_cgan", "gan"): conditional_gan.age_cgan_gan,
    ("age_cgan", "encoder"): conditional_gan.latent_encoder("encoder"),
    ("ian", "train"): ian.ian,
}


def take_steps(folder: Path) -> None:
    """Takes the steps of one stage and writes what they leave."""
    task = json.loads((folder / "task.json").read_text())
    with np.load(folder / "task.npz") as file:
        run = Run(task, dict(file))
    step = STEPS[task["method"], task["stage"]]
    if isinstance(step, type):
        step = step(run)
    for _ in range(task["steps"]):
        step(run)
        run.finish_step()
    np.savez(folder / "independent.npz", **run.finish())


def main(folders: list[str]) -> None:
    """Takes the steps of all stages."""
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    for folder in folders:
        take_steps(Path(folder))
    print(torch.__version__)


if __name__ == "__main__":
    main(sys.argv[1:])
