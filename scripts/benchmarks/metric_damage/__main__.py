"""Measures whether each metric falls as real images are damaged more and more.

scripts/bench metric_damage [FILE] [--images 128] [--pretrained efficientnet_lite0]

The perfect translation, which is the ground truth, is damaged in nine ways at five strengths, for
two tasks: the flat emoji as 3D, and people with glasses. FILE (default
runs/bench_metric_damage.json) receives every value. To publish: python -m scripts.results.publish
"""

import argparse
import datetime
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.benchmarks.machine import machine, versions
from scripts.benchmarks.metric_damage.damage import DAMAGES, STRENGTHS
from scripts.benchmarks.metric_damage.measure import Metrics
from tf_translate.config.schema import Config
from tf_translate.evaluation.judges.judges import JudgeSettings, train_judges
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.dataset import open_dataset
from tf_translate.experiment.eval_sets.attribute_edits import edits
from tf_translate.pretrained.registry import load_pretrained

SEED = 0
SIDE = 64
JUDGE_IMAGES = 2000
PACKAGES = ("tensorflow", "keras", "numpy", "scipy")


def flat_to_3d(images: int) -> Direction:
    """Flat emoji and the same emoji as 3D."""
    config = Config(method="pix2pix", data={"path": "samples:flat_to_3d", "size": [SIDE, SIDE]})
    data = open_dataset(config)
    source, truth = data.arrays("test", limit=images)
    train_source, train_target = data.arrays("train", limit=JUDGE_IMAGES)
    return Direction("flat_to_3d", source, truth, truth, truth, train_source, train_target)


def add_glasses(path: str, images: int) -> Direction:
    """People without glasses, and the same people with them."""
    settings = {"path": path, "size": [SIDE, SIDE], "attributes": {"glasses": ["0", "1"]},
                "group_column": "person"}  # fmt: skip
    data = open_dataset(Config(method="fader", data=settings))
    limits = {"limit": images, "training_limit": JUDGE_IMAGES}
    found = edits(data, lambda shown, *values: shown, split="test", **limits)
    direction = next(each for each in found if each.name == "add_glasses")
    assert direction.truth is not None, "people are drawn both ways"
    return replace(direction, outputs=direction.truth)


def measure(direction: Direction, pretrained: list[str]) -> dict[str, Any]:
    """Values of all metrics by damage and strength; strength 0 is the ground truth."""
    judges = train_judges(*direction.training_images(), settings=JudgeSettings(side=SIDE))
    metrics = Metrics(direction, judges, [load_pretrained(name) for name in pretrained])
    assert direction.truth is not None, "it is what is damaged"
    found: dict[str, Any] = {}
    for name, damage in DAMAGES.items():
        rows = []
        for strength in range(STRENGTHS + 1):
            damaged = damage.at(strength, direction.truth, direction.source, SEED)
            rows.append(metrics.of(damaged))
            print(direction.name, name, strength, _short(rows[-1]), flush=True)
        found[name] = {
            "meaning": damage.meaning,
            "lowers": damage.lowers,
            "amounts": damage.amounts,
            "values": rows,
        }
    return {"images": len(direction.truth), "damage": found, "baselines": metrics.baselines()}


def _short(values: dict[str, float]) -> str:
    return " ".join(f"{key.rpartition('/')[2]}={value:.3f}" for key, value in values.items())


def main() -> None:
    """Measures both tasks and writes the file."""
    parser = argparse.ArgumentParser(prog="scripts/bench metric_damage")
    parser.add_argument("file", nargs="?", type=Path, default=Path("runs/bench_metric_damage.json"))
    parser.add_argument("--images", type=int, default=128, help="held-out images of each task")
    parser.add_argument("--people", default="samples:avatars", help="data set with glasses")
    parser.add_argument("--pretrained", action="append", default=[])
    options = parser.parse_args()
    tasks = [flat_to_3d(options.images), add_glasses(options.people, options.images)]
    result = {
        "command": " ".join(["scripts/bench metric_damage", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(PACKAGES),
        "seed": SEED,
        "tasks": {each.name: measure(each, options.pretrained) for each in tasks},
    }
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
