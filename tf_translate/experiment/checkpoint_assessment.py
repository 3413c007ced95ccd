"""Metrics on validation images that select the best checkpoint.

With attributes, as in Fader Networks (their code's `eval_clf`): an independent classifier measures
whether edited images show the target attribute, and the reconstruction error measures what was
preserved. Between two domains: judges of content and domain. For one set of images: the
reconstruction error. The networks differ from those that `evaluate` reports by, and use
validation images, so that selection does not bias the reported test metrics.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from tf_translate.config.schema import Config
from tf_translate.core.translator import Translator
from tf_translate.data.attribute_dataset import AttributeDataset
from tf_translate.data.image_dataset import ImageDataset
from tf_translate.errors import ConfigError
from tf_translate.evaluation.judges.judges import Judges, train_judges
from tf_translate.evaluation.judges.label_judge import (
    LabelJudge,
    LabelJudgeSettings,
    train_label_judge,
)
from tf_translate.evaluation.metrics.completeness import headline_metrics
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.dataset import Data, evenly_spaced
from tf_translate.experiment.eval_sets.directions import directions
from tf_translate.experiment.judge_settings import judge_settings
from tf_translate.experiment.load_run import load_model_file

_MAX_VALIDATION_IMAGES, _MAX_TRAINING_IMAGES = 256, 4096
_MIN_VALIDATION_IMAGES = 4  # as judges need
_BATCH = 32
_CLASSIFIER = LabelJudgeSettings(side=64)
_SEED_OFFSET = 1  # added to the seed of the judges that `evaluate` reports by

_Metrics = Callable[[Translator], dict[str, float]]


def checkpoint_metrics(
    config: Config, data: Data, folder: Path, log: Callable[[str], None] = print
) -> Callable[[Path], dict] | None:
    """Builds the function that scores checkpoints, or None if the last checkpoint is selected.

    Args:
        config: Its `training.checkpoint_selection` decides; precision as in training.
        data: Judges are trained on its training split and applied to its validation split.
        folder: Where judges are saved.
        log: Prints a message; training the judges takes minutes.

    Returns:
        A function from a checkpoint to its metrics and its `score`. Higher is better for all but
        `reconstruction`, the mean absolute error on [-1, 1]. With attributes: `swap_accuracy` and
        `reconstruction`. Between domains: `headline_metrics` of each direction; the score is the
        mean completeness. For one set of images: `reconstruction`.

    Raises:
        ConfigError: If there are too few validation images.
    """
    if config.training.checkpoint_selection == "last":
        return None
    _check_validation(config, data)
    if isinstance(data, AttributeDataset):
        metrics = _attribute_metrics(data, folder, log)
    elif isinstance(data, ImageDataset):
        metrics = _reconstruction_metrics(config, data)
    else:
        metrics = _judge_metrics(config, data, folder, log)

    def measure(checkpoint: Path) -> dict[str, float]:
        training_policy = keras.mixed_precision.dtype_policy()
        try:
            translator = load_model_file(checkpoint, config)
        finally:
            keras.mixed_precision.set_global_policy(training_policy)
        return metrics(translator)

    return measure


def _check_validation(config: Config, data: Data) -> None:
    counts = np.ravel(data.splits.get("validation", 0))
    if counts.min() < _MIN_VALIDATION_IMAGES:
        raise ConfigError(
            "training.checkpoint_selection = 'best' needs at least "
            f"{_MIN_VALIDATION_IMAGES} validation images, but {config.data.path} has "
            f"{counts.min()}; add images, set "
            "data.holdout = 'auto', or set training.checkpoint_selection = 'last'"
        )


def _judge_metrics(
    config: Config, data: Data, folder: Path, log: Callable[[str], None]
) -> _Metrics:
    """Content and domain metrics of each direction of translation."""
    trained: dict[str, Judges] = {}
    settings = judge_settings(config.evaluation, seed_offset=_SEED_OFFSET)

    def judges(direction: Direction) -> Judges:
        if direction.name not in trained:
            images = direction.training_images()
            trained[direction.name] = train_judges(*images, folder=folder, settings=settings)
        return trained[direction.name]

    def metrics(translator: Translator) -> dict[str, float]:
        values: dict[str, float] = {}
        scores = []
        if not trained:
            log("training the judges that select the best checkpoint, once per run ...")
        training_limit = 0 if trained else config.evaluation.judge_images
        for each in directions(
            config,
            data,
            translator,
            split="validation",
            limit=_MAX_VALIDATION_IMAGES,
            training_limit=training_limit,
        ):
            headline = headline_metrics(each, judges(each))
            values |= {f"{each.name}/{name}": value for name, value in headline.items()}
            scores.append(headline["completeness"])
        return {**values, "score": float(np.mean(scores))}

    return metrics


def _reconstruction_metrics(config: Config, data: ImageDataset) -> _Metrics:
    """The reconstruction error; a constant output of the mean image scores 0."""

    def metrics(translator: Translator) -> dict[str, float]:
        at = evenly_spaced(data.splits["validation"], _MAX_VALIDATION_IMAGES)
        images = data.images("validation", at=at)
        reconstruct = translator.signatures()["reconstruct"].function
        outputs = _in_batches(lambda part: reconstruct(image=images[part]), images)
        error = float(np.abs(outputs - images).mean())
        return {"reconstruction": error, "score": _reconstruction_score(error, images)}

    return metrics


def _attribute_metrics(
    data: AttributeDataset, folder: Path, log: Callable[[str], None]
) -> _Metrics:
    """The accuracy of edited attributes, and the reconstruction error."""
    at = evenly_spaced(data.splits["validation"], _MAX_VALIDATION_IMAGES)
    images, values = data.images("validation", at=at), data.values("validation")[at]
    classifiers: list[LabelJudge] = []

    def metrics(translator: Translator) -> dict[str, float]:
        if not classifiers:
            log("training the classifiers that select the best checkpoint, once per run ...")
            classifiers.extend(_classifiers(data, folder))
        return _swap_metrics(translator, images, values, data, classifiers)

    return metrics


def _classifiers(data: AttributeDataset, folder: Path) -> list[LabelJudge]:
    """One classifier per attribute, trained on the training split, or loaded from the folder."""
    at = evenly_spaced(data.splits["train"], _MAX_TRAINING_IMAGES)
    images, values = data.images("train", at=at), data.values("train")[at]
    return [
        train_label_judge(
            images,
            _labels(values, attribute, span),
            attribute.values,
            folder=folder,
            settings=_CLASSIFIER,
        )
        for attribute, span in zip(data.attributes.definitions, data.attributes.spans, strict=True)
    ]


def _labels(values: np.ndarray, attribute, span: tuple[int, int]) -> np.ndarray:
    """For each row, the index of the attribute's value."""
    codes = np.array([attribute.encode(value) for value in attribute.values], np.float32)
    return (values[:, None, slice(*span)] == codes[None]).all(-1).argmax(-1)


def _swap_metrics(
    translator: Translator,
    images: np.ndarray,
    values: np.ndarray,
    data: AttributeDataset,
    classifiers: list[LabelJudge],
) -> dict[str, float]:
    """Edits every image to every other value of each attribute, and classifies the results."""
    correct = []
    attributes = zip(data.attributes.definitions, data.attributes.spans, classifiers, strict=True)
    for attribute, span, classifier in attributes:
        labels = _labels(values, attribute, span)
        for target, value in enumerate(attribute.values):
            others = labels != target
            edited_values = values[others].copy()
            edited_values[:, slice(*span)] = attribute.encode(value)
            edited = _translate(translator, images[others], edited_values)
            correct.append(classifier.correct(edited, np.full(len(edited), target)))
    accuracy = float(np.concatenate(correct).mean())
    error = float(np.abs(_translate(translator, images, values) - images).mean())
    content = _reconstruction_score(error, images)
    score = 2.0 * accuracy * content / max(accuracy + content, 1e-9)
    return {"swap_accuracy": accuracy, "reconstruction": error, "score": score}


def _reconstruction_score(error: float, images: np.ndarray) -> float:
    """Maps the L1 error to a score: 1 for error 0, 0 for at least the error of the mean image."""
    mean_image_error = np.abs(images.mean(0) - images).mean()
    return float(max(0.0, 1.0 - error / max(mean_image_error, 1e-9)))


def _translate(translator: Translator, images: np.ndarray, values: np.ndarray) -> np.ndarray:
    function = translator.signatures()["translate"].function
    return _in_batches(lambda part: function(image=images[part], attributes=values[part]), images)


def _in_batches(function: Callable[[slice], Mapping], images: np.ndarray) -> np.ndarray:
    """Concatenates the images that a function returns for each batch slice."""
    parts = [slice(i, i + _BATCH) for i in range(0, len(images), _BATCH)]
    return np.concatenate([images[:0], *(np.asarray(function(part)["image"]) for part in parts)])
