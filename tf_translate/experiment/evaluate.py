"""Evaluation of a run: content and domain metrics of each direction, on held-out images."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console

from tf_translate.data.attribute_dataset import AttributeDataset
from tf_translate.data.image_dataset import ImageDataset
from tf_translate.errors import ConfigError, DataError
from tf_translate.evaluation.judges.exported_judges import entry_of, write_index
from tf_translate.evaluation.judges.judges import train_judges
from tf_translate.evaluation.judges.label_judge import (
    LabelJudge,
    LabelJudgeSettings,
    train_label_judge,
)
from tf_translate.evaluation.metrics.evaluate_direction import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.evaluation.report.write import document, keep_fuller_report, write_report
from tf_translate.experiment.dataset import held_out_split
from tf_translate.experiment.eval_sets.attribute_edits import edit_attributes
from tf_translate.experiment.eval_sets.directions import directions
from tf_translate.experiment.judge_settings import judge_settings
from tf_translate.experiment.load_run import TrainedRun
from tf_translate.pretrained.registry import load_pretrained

JUDGES = "judges"  # folder of the judges in a run's evaluation folder
CHANGED = "images changed since training"  # key of the metadata of such an evaluation


def evaluate(
    trained: TrainedRun,
    console: Console,
    *,
    pretrained: Sequence[str] | None = None,
    names: Sequence[str] = (),
) -> tuple[dict, Path]:
    """Evaluates the directions of a run, and writes metrics and a page into the run.

    Judges are trained on the training split, or loaded if trained before, and saved in the run.

    Args:
        trained: The run.
        console: Shows progress.
        pretrained: Pretrained networks that add metrics; None uses those of the run's settings.
        names: The directions, such as "a_to_b" or "add_glasses"; empty: all.

    Returns:
        The metrics as JSON values, and the path of the page.

    Raises:
        ConfigError: If the run has no such direction.
        DataError: If the run holds no images out.
    """
    settings, data = trained.config.evaluation, trained.data
    split = held_out_split(data)
    if split == "train":
        given = trained.config.data
        raise DataError(
            f"{trained.run.path} was trained on all images of {given.path} (data.holdout = "
            f"{given.holdout!r}, data.validation_share = {given.validation_share:g}), so none are "
            "held out to evaluate it on; train a run that holds some out to measure it"
        )
    console.print(f"evaluating on the split {split}")
    if trained.data_changes is not None:
        console.print(
            f"these are not the images that the run was trained on: {trained.data_changes}",
            soft_wrap=True,
        )
    judging = settings.pretrained if pretrained is None else pretrained
    _check_judges(trained, judging)
    networks = [load_pretrained(name) for name in dict.fromkeys(judging)]
    reports, judge_entries = [], {}
    for direction in directions(
        trained.config,
        data,
        trained.translator,
        split=split,
        limit=settings.images,
        training_limit=settings.judge_images,
        names=names,
    ):
        console.print(
            f"{direction.name}: {len(direction.source)} sources, {len(direction.target)} targets"
        )
        judges = train_judges(
            *direction.training_images(),
            folder=trained.run.path / "evaluation" / JUDGES,
            settings=judge_settings(settings),
            report=console.print,
        )
        deployed = _deployment(trained, direction.name)
        if deployed is not None:
            judge_entries[direction.name] = entry_of(judges, *deployed)
        label_judge = _label_judge(direction, trained, console)
        reports.append(
            evaluate_direction(
                direction,
                judges,
                labels=label_judge,
                networks=networks,
                split=split,
                seed=settings.seed,
            )
        )
    if not reports:
        raise ConfigError(f"{trained.run.path} does not translate {' or '.join(names)}")
    folder = trained.run.path / "evaluation"
    write_index(folder / JUDGES, judge_entries)
    texts: dict[str, Any] = {
        "title": f"{trained.config.method}: {trained.config.data.path}",
        "metadata": _metadata(trained),
        "protocol_name": f"{split}{trained.config.data.size[0]}",
    }
    kept = keep_fuller_report(folder, reports, protocol_name=texts["protocol_name"])
    if kept is not None:
        earlier, others = kept
        console.print(
            f"the earlier results are kept in {earlier}, because they have {', '.join(others)} too",
            soft_wrap=True,
        )
    return document(reports, **texts), write_report(folder, reports, **texts)


def _check_judges(trained: TrainedRun, judging: Sequence[str]) -> None:
    """Raises ConfigError if a network is to judge what it has trained."""
    biased = sorted(set(trained.translator.trained_with()) & set(judging))
    if biased:
        raise ConfigError(
            f"evaluation.pretrained of {trained.run.path} must not name {biased[0]}, whose "
            f"features trained it: take another network, or leave it out"
        )


def _deployment(trained: TrainedRun, name: str) -> tuple[str, dict[str, float]] | None:
    """The signature that deploys a direction, and the attribute values that select it.

    None for edits through the latent, which are made of several signatures.
    """
    data = trained.data
    if isinstance(data, AttributeDataset):
        return "translate", edit_attributes(data.attributes)[name]
    if isinstance(data, ImageDataset):
        return ("reconstruct", {}) if name == "reconstruct" else None
    return trained.translator.directions[name], {}


def _label_judge(direction: Direction, trained: TrainedRun, console: Console) -> LabelJudge | None:
    """The label judge of the target domain, or None unless both domains have its classes."""
    images, labels, data = direction.train_target, direction.train_target_labels, trained.data
    if images is None or labels is None or not direction.has_labels:
        return None
    if isinstance(data, ImageDataset):
        return None
    return train_label_judge(
        images,
        labels,
        data.classes,
        folder=trained.run.path / "evaluation" / JUDGES,
        settings=LabelJudgeSettings(seed=trained.config.evaluation.seed),
        report=console.print,
    )


def _metadata(trained: TrainedRun) -> dict[str, str]:
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
        **({CHANGED: trained.data_changes} if trained.data_changes is not None else {}),
    }
