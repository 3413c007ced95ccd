"""Measuring a run: content and domain of each direction, on held-out images."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from tf_translate.core.signature import Signature
from tf_translate.core.translator import Translator
from tf_translate.data.image_set import ImageSet
from tf_translate.data.labelled import LabelledData
from tf_translate.data.pipeline import ImageData
from tf_translate.evaluation.carried_judges import described, write_note
from tf_translate.evaluation.consistency import evaluate_direction
from tf_translate.evaluation.features import load_features
from tf_translate.evaluation.figures import Direction
from tf_translate.evaluation.judges import Judges, JudgeSettings, train_judges
from tf_translate.evaluation.label_judge import LabelJudge, LabelSettings, train_label_judge
from tf_translate.evaluation.report import document, write_report
from tf_translate.experiment.dataset import held_out
from tf_translate.experiment.edits import asked, edits
from tf_translate.experiment.reconstructions import reconstruction
from tf_translate.experiment.trained import Trained

_SIDES = {"a_to_b": ("a", "b"), "b_to_a": ("b", "a")}
_BATCH = 16
JUDGES = "judges"  # folder of them in a run's evaluation


def evaluate(
    trained: Trained, console: Console, *, features: Sequence[str] | None = None
) -> tuple[dict, Path]:
    """Measures every direction of a run and writes figures and a page into it.

    Judges are trained on the training split (or loaded, if they were before) and kept in
    the run.

    Args:
        trained: The run.
        console: Says what is going on.
        features: Pretrained networks to measure by too; None takes those of the run's settings.

    Returns:
        The figures as JSON has them, and the page.
    """
    settings, data = trained.config.evaluation, trained.data
    split = held_out(data)
    console.print(f"measuring on the split {split}")
    wanted = settings.features if features is None else features
    networks = [load_features(name) for name in dict.fromkeys(wanted)]
    reports, judged = [], {}
    for direction in _directions(trained, split):
        console.print(
            f"{direction.name}: {len(direction.source)} sources, {len(direction.target)} targets; "
            "training the judges (once for these images)"
        )
        judges = _judges(trained, direction)
        judged[direction.name] = described(judges, *_deployed(trained, direction.name))
        judge = _label_judge(direction, trained, console)
        reports.append(
            evaluate_direction(
                direction,
                judges,
                labels=judge,
                networks=networks,
                split=split,
                seed=settings.seed,
            )
        )
    folder = trained.run.path / "evaluation"
    write_note(folder / JUDGES, judged)
    words: dict[str, Any] = {
        "title": f"{trained.config.method}: {trained.config.data.path}",
        "facts": _facts(trained),
        "protocol_name": f"{split}{trained.config.data.size[0]}",
    }
    return document(reports, **words), write_report(folder, reports, **words)


def _directions(trained: Trained, split: str) -> Iterator[Direction]:
    """What is measured: translations between domains, edits of attributes, or reconstructions."""
    settings, data = trained.config.evaluation, trained.data
    signatures = trained.translator.signatures()
    limits = {"limit": settings.images, "learn": settings.judge_images}
    if isinstance(data, LabelledData):
        translate = partial(_edited, signatures["translate"])
        return edits(data, translate, split=split, **limits)
    if isinstance(data, ImageSet):
        reconstruct = partial(_reconstructed, signatures["reconstruct"])
        return iter([reconstruction(data, reconstruct, split=split, **limits)])
    return _between_domains(trained, data, split)


def _between_domains(trained: Trained, data: ImageData, split: str) -> Iterator[Direction]:
    settings = trained.config.evaluation
    images = dict(zip("ab", data.arrays(split, limit=settings.images), strict=True))
    learnt = dict(zip("ab", data.arrays("train", limit=settings.judge_images), strict=True))
    labels = _labels(data, split, limit=settings.images)
    taught = _labels(data, "train", limit=settings.judge_images)
    for name, (source, target) in _SIDES.items():
        if trained.translator.directions.get(name) not in trained.translator.signatures():
            continue
        yield Direction(
            name=name,
            source=images[source],
            target=images[target],
            outputs=translate(trained.translator, name, images),
            truth=images[target] if data.has_truth(split) else None,
            counterfactual=data.has_truth(split) and trained.config.data.twin_column is not None,
            train_source=learnt[source],
            train_target=learnt[target],
            source_labels=labels[source],
            target_labels=labels[target],
            train_target_labels=taught[target],
        )


def _judges(trained: Trained, direction: Direction) -> Judges:
    """The judges of content and domain of one direction, by the run's settings."""
    settings = trained.config.evaluation
    source, target = direction.train_source, direction.train_target
    assert source is not None, "as `_directions` makes it"
    assert target is not None, "as `_directions` makes it"
    return train_judges(
        source,
        target,
        folder=trained.run.path / "evaluation" / JUDGES,
        settings=JudgeSettings(
            domain_steps=settings.domain_steps,
            content_steps=settings.content_steps,
            seed=settings.seed,
        ),
    )


def _deployed(trained: Trained, name: str) -> tuple[str, dict[str, float]]:
    """The signature that deploys a direction, and the numbers by label that ask it to."""
    data = trained.data
    if isinstance(data, LabelledData):
        return "translate", asked(data.attributes)[name]
    if isinstance(data, ImageSet):
        return "reconstruct", {}
    return trained.translator.directions[name], {}


def _labels(data: ImageData, split: str, *, limit: int) -> dict[str, np.ndarray | None]:
    """Labels of both domains of a split, in the order of `data.arrays` under the same limit."""
    return {
        "a": data.labels(split, "a", limit=limit),
        "b": data.labels(split, "b", limit=limit),
    }


def _label_judge(direction: Direction, trained: Trained, console: Console) -> LabelJudge | None:
    """The judge of the target's labels, where both domains have labels of the same classes."""
    images, labels, data = direction.train_target, direction.train_target_labels, trained.data
    if images is None or labels is None or not direction.has_labels:
        return None
    if isinstance(data, ImageSet):
        return None
    console.print(f"training the judge of labels of {direction.name} (once for these images)")
    return train_label_judge(
        images,
        labels,
        data.classes,
        folder=trained.run.path / "evaluation" / JUDGES,
        settings=LabelSettings(seed=trained.config.evaluation.seed),
    )


def _reconstructed(signature: Signature, images: np.ndarray) -> np.ndarray:
    parts = [images[i : i + _BATCH] for i in range(0, len(images), _BATCH)]
    return np.concatenate([np.asarray(signature.function(image=p)["image"]) for p in parts])


def _edited(signature: Signature, images: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    parts = [slice(i, i + _BATCH) for i in range(0, len(images), _BATCH)]
    outputs = [signature.function(image=images[p], attributes=attributes[p]) for p in parts]
    return np.concatenate([np.asarray(output["image"]) for output in outputs])


def translate(
    translator: Translator, direction: str, images: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Translates all images of a domain, in order.

    Where an exemplar of the other domain is needed too, it is the one half a set further on:
    neighbours may show one person.

    Args:
        translator: Its `directions` say which signature is meant.
        direction: "a_to_b" or "b_to_a".
        images: `{"a", "b"}`, float32 in [-1, 1]; as many as there are or not.
    """
    source, other = _SIDES[direction]
    count, others = len(images[source]), len(images[other])
    further = (np.arange(count) + others // 2) % others
    chosen = {source: images[source], other: images[other][further]}
    name = translator.directions[direction]
    signature = translator.signatures()[name]
    inputs = translator.examples(chosen)[name]
    outputs = []
    for i in range(0, count, _BATCH):
        batch = {key: values[i : i + _BATCH] for key, values in inputs.items()}
        outputs.append(signature.function(**batch)[signature.outputs[0].name])
    return np.concatenate([np.asarray(output) for output in outputs])


def _facts(trained: Trained) -> dict[str, str]:
    config = trained.config
    return {
        "run": trained.run.path.name,
        "method": config.method,
        "data": f"{config.data.path}, {config.data.size[0]}x{config.data.size[1]} pixels",
        "steps": str(int(trained.translator.steps_taken.numpy())),
        "batch": str(config.training.batch_size),
        "seed": str(config.training.seed),
        "versions": f"tensorflow {tf.__version__}, keras {keras.__version__}",
        "date": datetime.date.today().isoformat(),
    }
