"""The training runs of the stress tests.

`JOBS` are tiny networks of several methods on 32-pixel noise, `PRESETS` shipped presets.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.benchmarks.machine import ROOT
from scripts.stress.toml_file import write_toml

STEPS, EVERY = 30, 3  # training steps in all, and between checkpoints
_ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}
_STAGED = {
    "latent": 5, "base_filters": 4, "discriminator_filters": 4, "encoder_filters": 4,
    "latent_width": 8, "bn_recalibration_steps": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A run: settings of the method, of the data and of training, and the steps of each stage.

    `every` is the number of steps between checkpoints.
    """

    model: dict
    data: dict
    stages: dict[str, int] = field(default_factory=lambda: {"train": STEPS})
    training: dict = field(default_factory=dict)
    every: int = EVERY

    @property
    def steps(self) -> int:
        """Steps in all."""
        return sum(self.stages.values())

    def stage(self, step: int) -> str:
        """The stage of the step after `step`; the last stage at the end."""
        end = 0
        for name, steps in self.stages.items():
            end += steps
            if step < end:
                return name
        return name


# Together they need everything that a checkpoint must hold: image pools, dropout counters, moving
# averages, bursts, ramps, the random numbers of a gradient penalty, recalibrated statistics.
JOBS = {
    "cyclegan": Job(
        {
            "residual_blocks": 1, "base_filters": 4, "discriminator_layers": 1,
            "discriminator_filters": 4, "pool_size": 3,
        },
        {"path": "pairs"},
        training={"ema_momentum": 0.9, "lr_schedule": "linear"},
    ),
    "pix2pix": Job(
        {
            "num_downsamples": 5, "base_filters": 4, "discriminator_layers": 1,
            "discriminator_filters": 4, "dropout": 0.5,
        },
        {"path": "pairs", "load_size": [36, 36]},
    ),
    "fader": Job(
        {"num_downsamples": 3, "base_filters": 4, "max_filters": 8, "dropout": 0.3, "ramp": 20},
        {"path": "faces.csv", "attributes": _ATTRIBUTES},
    ),
    "genegan": Job(
        {
            "gan_mode": "wgan_gp", "base_filters": 4, "discriminator_filters": 4,
            "discriminator_norm": "none", "discriminator_burst_turns": 2,
            "discriminator_burst_every": 3,
        },
        {"path": "faces.csv", "domain_column": "glasses", "domain_a": "1", "domain_b": "0"},
    ),
    "icgan": Job(
        {**_STAGED, "attribute_width": 8, "discriminator_noise": 0.1},
        {"path": "faces.csv", "attributes": _ATTRIBUTES},
        {"gan": 12, "encoder_z": 9, "encoder_y": 9},
    ),
    "age_cgan": Job(
        {
            **_STAGED, "embedding": 6, "identity_embedder_filters": 4, "identity_embedder_width": 8,
            "search": {"steps": 2},
        },
        {
            "path": "faces.csv", "attributes": {"hair": _ATTRIBUTES["hair"]},
            "group_column": "person",
        },
        {"identity_embedder": 9, "gan": 12, "encoder": 9},
    ),
}  # fmt: skip


# Networks and images of the shipped presets, and their stages, shortened to 60 steps.
PRESETS = {
    name: Job({}, {}, stages, every=10)
    for name, stages in {
        "cyclegan": {"train": 60},
        "dualgan": {"train": 60},
        "age_cgan": {"identity_embedder": 12, "gan": 30, "encoder": 18},
    }.items()
}


def write_preset(name: str, folder: Path, seed: int) -> Path:
    """Writes a shipped preset of 60 steps as `folder/NAME.toml`."""
    job = PRESETS[name]
    file = ROOT / "tf_translate" / "config" / "presets" / f"{name}_small.toml"
    tables = tomllib.loads(file.read_text())
    tables["training"] |= {
        "steps": job.steps, "seed": seed, "log_every": 1, "checkpoint_every": job.every,
        "sample_every": job.steps, "keep_checkpoints": 2,
    }  # fmt: skip
    path = folder / f"{name}.toml"
    write_toml(path, tables)
    return path


def write_job(name: str, folder: Path, seed: int) -> Path:
    """Writes the configuration of a job as `folder/NAME.toml`."""
    job = JOBS[name]
    fractions = {stage: steps / STEPS for stage, steps in list(job.stages.items())[:-1]}
    tables = {
        "method": name,
        "model": job.model,
        "data": {**job.data, "path": str(folder / job.data["path"]), "size": [32, 32]},
        "training": {
            "steps": STEPS, "batch_size": 2, "seed": seed, "log_every": 1, "sample_every": 10,
            "checkpoint_every": job.every, "keep_checkpoints": 2, **job.training,
            "stages": fractions,
        },
    }  # fmt: skip
    path = folder / f"{name}.toml"
    write_toml(path, tables)
    return path


def write_images(folder: Path) -> None:
    """Writes images of noise: `pairs/`, and `faces.csv` of 24 images with two attributes."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 40, 40, 3), np.uint8)
    lines = ["image,split,person,glasses,hair"]
    for index, pixels in enumerate(noise):
        split = "test" if index % 6 == 5 else "train"
        for side, image in (("a", pixels), ("b", 255 - pixels)):
            path = folder / "pairs" / split / side / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        hair = _ATTRIBUTES["hair"][index % 3]
        lines.append(f"{index}.png,{split},{index // 3},{index // 6 % 2},{hair}")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
