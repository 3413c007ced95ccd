"""Measuring a run: content and domain of each direction, on held-out images."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console

from tf_translate.data.attribute_dataset import LabelledData
from tf_translate.data.image_dataset import ImageSet
from tf_translate.evaluation.judges.exported_judges import described, write_note
from tf_translate.evaluation.judges.judges import train_judges
from tf_translate.evaluation.judges.label_judge import LabelJudge, LabelSettings, train_label_judge
from tf_translate.evaluation.metrics.consistency import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.evaluation.report.write import document, write_report
from tf_translate.experiment.dataset import held_out
from tf_translate.experiment.eval_sets.attribute_edits import asked
from tf_translate.experiment.eval_sets.directions import directions
from tf_translate.experiment.judge_settings import judge_settings
from tf_translate.experiment.load_run import Trained
from tf_translate.pretrained.registry import load_features

JUDGES = "judges"  # folder of them in a run's evaluation


def evaluate(
    trained: Trained, console: Console, *, features: Sequence[str] | None = None
) -> tuple[dict, Path]:
    """Measures every direction of a run and writes metrics and a page into it.

    Judges are trained on the training split (or loaded, if they were before) and kept in
    the run.

    Args:
        trained: The run.
        console: Says what is going on.
        features: Pretrained networks to measure by too; None takes those of the run's settings.

    Returns:
        The metrics as JSON has them, and the page.
    """
    settings, data = trained.config.evaluation, trained.data
    split = held_out(data)
    console.print(f"measuring on the split {split}")
    wanted = settings.features if features is None else features
    networks = [load_features(name) for name in dict.fromkeys(wanted)]
    reports, judged = [], {}
    limits = {"limit": settings.images, "learn": settings.judge_images}
    measured = directions(trained.config, data, trained.translator, split=split, **limits)
    for direction in measured:
        console.print(
            f"{direction.name}: {len(direction.source)} sources, {len(direction.target)} targets; "
            "training the judges (once for these images)"
        )
        judges = train_judges(
            *direction.taught(),
            folder=trained.run.path / "evaluation" / JUDGES,
            settings=judge_settings(settings),
        )
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
        "metadata": _metadata(trained),
        "protocol_name": f"{split}{trained.config.data.size[0]}",
    }
    return document(reports, **words), write_report(folder, reports, **words)


def _deployed(trained: Trained, name: str) -> tuple[str, dict[str, float]]:
    """The signature that deploys a direction, and the numbers by label that ask it to."""
    data = trained.data
    if isinstance(data, LabelledData):
        return "translate", asked(data.attributes)[name]
    if isinstance(data, ImageSet):
        return "reconstruct", {}
    return trained.translator.directions[name], {}


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


def _metadata(trained: Trained) -> dict[str, str]:
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
