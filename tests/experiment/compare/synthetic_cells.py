"""Finished cells without training: the outputs of each method are the truth, damaged as told.

So the right order of methods is known. Judges are a few lines of linear algebra. Also a command,
to look at the report of drawn people:

python -m tests.experiment.compare.synthetic_cells FOLDER .../dicebear-glasses-pairs.csv
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.benchmarks.metric_damage.damage import DAMAGES
from tf_translate.config.data import DataConfig
from tf_translate.config.task import load_task
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.evaluation.metrics import pixel_distance
from tf_translate.evaluation.metrics.completeness import (
    CompletenessScale,
    TargetScores,
    candidate_sets,
    score,
)
from tf_translate.evaluation.metrics.kernel_distance import kernel_distance
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.compare.cells.cell_images import keep_images
from tf_translate.images import to_uint8

KID = "domain/kid/judge@16"
HIGHER = ("completeness", "content/margin", "content/reciprocal_rank", "domain/accuracy")
LOWER = (KID, "content/l1", "content/l1_inside_edit", "content/l1_outside_edit")


@dataclass(frozen=True)
class Damaged:
    """What a synthetic method does: a kind of damage, at a strength from 0 to 5."""

    kind: str
    strength: int


GLASSES = {
    "pix2pix": Damaged("blur", 1),
    "cyclegan": Damaged("blur", 2),
    "dualgan": Damaged("noise", 2),
    "discogan": Damaged("warp", 3),
    "dtn": Damaged("mosaic", 3),
    "fader": Damaged("fade", 2),
    "icgan": Damaged("average", 3),
    "genegan": Damaged("fade", 4),
    "age_cgan": Damaged("swap", 4),
    "ian": Damaged("average", 4),
}


class _Judge:
    def __init__(self, run):
        self._run = run

    def features(self, images):
        return self._run(images)

    def predicts_target(self, images):
        return self._run(images)[:, 0] > 0


@dataclass(frozen=True)
class _Judges:
    content: _Judge
    domain: "_Domain"


class _Domain(_Judge):
    """A linear classifier by least squares, and features of random directions."""

    def __init__(self, source, truth):
        images = np.concatenate([_small(source), _small(truth)])
        self._mean = images.mean(0)
        labels = np.repeat([-1.0, 1.0], len(source))
        gram = (images - self._mean) @ (images - self._mean).T
        weights = np.linalg.solve(gram + 0.1 * len(images) * np.eye(len(images)), labels)
        self._normal = (images - self._mean).T @ weights
        random = np.random.default_rng(0)
        self._directions = random.standard_normal((images.shape[1], 127))

    def logits(self, images):
        return (_small(images) - self._mean) @ self._normal

    def predicts_target(self, images):
        return self.logits(images) > 0

    def features(self, images):
        centred = _small(images) - self._mean
        values = np.column_stack([3.0 * self.logits(images), centred @ self._directions / 30.0])
        norm = np.linalg.norm(values, axis=1, keepdims=True)
        return (np.sqrt(128.0) * values / np.maximum(norm, 1e-9)).astype(np.float32)


def _small(images):
    count, height, width, channels = images.shape
    step = max(1, height // 8)
    tiles = images.reshape(count, height // step, step, width // step, step, channels)
    return tiles.mean((2, 4)).reshape(count, -1)


def _content(images):
    values = _small(images)
    values = values - values.mean(1, keepdims=True)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


def write_cells(folder, source, truth, methods, *, seeds=1, task="glasses", images=True):
    """Writes cells into FOLDER/TASK/METHOD-SEED; returns the folder of the task.

    Args:
        folder: Folder of comparisons.
        source, truth: Float `(n, h, w, 3)` in [-1, 1].
        methods: `Damaged` by name of a method of the shipped task.
        seeds: Number of seeds.
        task: A shipped task.
        images: Whether the cells keep images, as those of earlier versions do not.
    """
    known = load_task(task)[1]
    judges = _Judges(_Judge(_content), _Domain(source, truth))
    for number, (name, damaged) in enumerate(methods.items()):
        for seed in range(seeds):
            random = np.random.default_rng((number, seed))
            order = random.permutation(len(source))  # every method has an order of its own
            damage = DAMAGES[damaged.kind]
            outputs = damage.at(damaged.strength, truth[order], source[order], seed)
            noise = 0.02 * seed * random.standard_normal(outputs.shape)
            outputs = np.clip(outputs + noise, -1, 1).astype(np.float32)
            name_of_direction = known.direction_of(name)
            images_of = (source[order], truth[order], outputs, truth[order])
            direction = Direction(name_of_direction, *images_of)
            cell = Path(folder) / task / f"{name}-{seed}"
            cell.mkdir(parents=True)
            _write_cell(cell, direction, judges, images=images)
            _write_record(cell, known, task, name, seed)
    return Path(folder) / task


def _write_cell(cell, direction, judges, *, images):
    features = judges.content.features(direction.source)
    scores = {c.name: score(c, features, judges) for c in candidate_sets(direction, 0)}
    target = TargetScores.of(direction.target, judges)
    scale = CompletenessScale(scores, target)
    candidates = {c.name: c.images for c in candidate_sets(direction, 0)}
    results, intervals, errors = {}, {}, {}
    for name, own in scores.items():
        found = scale.completeness(own, resamples=20, seed=0)
        distance = kernel_distance(
            own.domain_features, target.features, counterparts=own.counterparts, subsets=5
        )
        outputs = candidates[name]
        edit = direction.source, direction.truth
        results[name] = {
            "completeness": found.value,
            "content/margin": float(own.margin.mean()),
            "content/reciprocal_rank": float(own.reciprocal_rank.mean()),
            "content/l1": float(pixel_distance.l1(outputs, direction.truth).mean()),
            "content/l1_inside_edit": _mean(pixel_distance.l1_inside_edit(outputs, *edit)),
            "content/l1_outside_edit": _mean(pixel_distance.l1_outside_edit(outputs, *edit)),
            "domain/accuracy": float(own.in_target.mean()),
            KID: distance.value,
        }
        if found.interval is not None:
            intervals[name] = {"completeness": list(found.interval)}
        errors[name] = {KID: distance.standard_error}
    better = {**dict.fromkeys(HIGHER, "higher"), **dict.fromkeys(LOWER, "lower")}
    report = {
        "results": results,
        "confidence_intervals_95": intervals,
        "standard_errors": errors,
        "metrics": {name: {"better": better[name]} for name in results["output"]},
    }
    document = {"directions": {direction.name: report}}
    (cell / "metrics.json").write_text(json.dumps(document))
    if images:
        write_evaluation(cell / "evaluation" / f"{direction.name}.npz", direction, scores["output"])
        keep_images(cell / "evaluation" / f"{direction.name}.npz", cell)


def write_evaluation(file, direction, scores):
    """Writes the arrays that `evaluate` keeps of a direction."""
    file.parent.mkdir(parents=True, exist_ok=True)
    edit = direction.source, direction.truth
    np.savez(
        file,
        source=to_uint8(direction.source),
        output=to_uint8(direction.outputs),
        truth=to_uint8(direction.truth),
        margin=scores.margin.astype(np.float32),
        reciprocal_rank=scores.reciprocal_rank.astype(np.float32),
        similarity=scores.similarity.astype(np.float32),
        in_target=scores.in_target.astype(np.float32),
        l1=pixel_distance.l1(direction.outputs, direction.truth),
        l1_inside_edit=pixel_distance.l1_inside_edit(direction.outputs, *edit),
        l1_outside_edit=pixel_distance.l1_outside_edit(direction.outputs, *edit),
    )


def _write_record(cell, task, task_name, name, seed):
    record = {
        "task": task_name,
        "method": name,
        "name": name,
        "seed": seed,
        "direction": task.direction_of(name),
        "uses": task.uses_of(name),
        "command": f"tf-translate compare run {task_name} --cell {name}:{seed} --run runs/compare",
        "steps": 4000 + 10 * seed,
        "planned_steps": 4000,
        "minutes": 45.0,
        "budget_minutes": 45.0,
        "precision": "float32",
        "machine": {"processor": "Synthetic <CPU>", "cores": 2, "system": "Linux x86_64"},
        "revision": "0123456789ab",
        "versions": {"tensorflow": "2.21.0", "keras": "3.0.0"},
        "date": "2026-12-01T00:00:00+00:00",
    }
    (cell / "cell.json").write_text(json.dumps(record))


def _mean(values):
    """The mean of values that are defined; None if none is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def people(table):
    """Drawn people without and with glasses, of dicebear-glasses-pairs.csv; those of training."""
    config = DataConfig(
        path=str(table),
        size=(64, 64),
        domain_column="glasses",
        domain_a="0",
        domain_b="1",
        group_column="person",
    )
    return open_domain_dataset(config, paired=True).arrays("train")


if __name__ == "__main__":
    write_cells(sys.argv[1], *people(sys.argv[2]), GLASSES, seeds=3)
