"""What decides between checkpoints: content and domain on validation images.

With attributes as Fader Networks choose (their code's `eval_clf`): a classifier that has no part
in training says whether edited images show what was asked, and the error of giving images back
says what was kept. Between two domains: judges of content and domain. One set of images: how
well they come back. All are other networks than those that `evaluate` reports by, and see
validation images, so that the reported metrics stay those of a test.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from tf_translate.config.schema import Config
from tf_translate.core.translator import Translator
from tf_translate.data.attribute_dataset import LabelledData
from tf_translate.data.image_dataset import ImageSet
from tf_translate.errors import ConfigError
from tf_translate.evaluation.judges.judges import Judges, train_judges
from tf_translate.evaluation.judges.label_judge import LabelJudge, LabelSettings, train_label_judge
from tf_translate.evaluation.metrics.completeness import consistency
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.dataset import Data
from tf_translate.experiment.eval_sets.directions import directions
from tf_translate.experiment.judge_settings import judge_settings
from tf_translate.experiment.load_run import load_file

_IMAGES, _LEARNT = 256, 4096  # most validation and training images
_FEWEST = 4  # of validation, as judges need
_BATCH = 32
_CLASSIFIER = LabelSettings(side=64)
_OTHER_SEED = 1  # added to the seed of the judges that `evaluate` reports by

_Figures = Callable[[Translator], dict[str, float]]


def measure_of(
    config: Config, data: Data, folder: Path, say: Callable[[str], None] = print
) -> Callable[[Path], dict] | None:
    """How checkpoints are scored, or None if the last one is taken.

    Args:
        config: Its `training.checkpoint_selection` says whether; precision as in training.
        data: Judges learn from its training split and look at its validation split.
        folder: Where judges are kept.
        say: Shows a line; training the judges takes minutes.

    Returns:
        From a checkpoint to its metrics and `score`, all higher is better but `reconstruction`,
        the mean absolute error on [-1, 1]. With attributes `swap_accuracy` and `reconstruction`;
        between domains what `consistency` gives for each direction, the score being the mean
        completeness; of one set of images `reconstruction`.

    Raises:
        ConfigError: If there are no validation images to choose by.
    """
    if config.training.checkpoint_selection == "last":
        return None
    _check_validation(config, data)
    if isinstance(data, LabelledData):
        metrics = _by_attributes(data, folder, say)
    elif isinstance(data, ImageSet):
        metrics = _by_reconstruction(config, data)
    else:
        metrics = _by_judges(config, data, folder, say)

    def measure(checkpoint: Path) -> dict[str, float]:
        inference_behavior = keras.mixed_precision.dtype_policy()
        try:
            translator = load_file(checkpoint, config)
        finally:
            keras.mixed_precision.set_global_policy(inference_behavior)
        return metrics(translator)

    return measure


def _check_validation(config: Config, data: Data) -> None:
    counts = np.ravel(data.splits.get("validation", 0))
    if counts.min() < _FEWEST:
        raise ConfigError(
            f"training.checkpoint_selection = 'best' goes by {_FEWEST} validation images or more, but "
            f"{config.data.path} has {counts.min()}; add some, or set training.checkpoint_selection = 'last'"
        )


def _by_judges(config: Config, data: Data, folder: Path, say: Callable[[str], None]) -> _Figures:
    """Content and domain of each direction of translation."""
    known: dict[str, Judges] = {}
    settings = judge_settings(config.evaluation, more=_OTHER_SEED)

    def judges(direction: Direction) -> Judges:
        if direction.name not in known:
            sides = direction.taught()
            known[direction.name] = train_judges(*sides, folder=folder, settings=settings)
        return known[direction.name]

    def metrics(translator: Translator) -> dict[str, float]:
        told: dict[str, float] = {}
        scores = []
        if not known:
            say("training the judges that choose the best checkpoint, once in a run ...")
        limits = {"limit": _IMAGES, "learn": 0 if known else config.evaluation.judge_images}
        for each in directions(config, data, translator, split="validation", **limits):
            found = consistency(each, judges(each))
            told |= {f"{each.name}/{name}": value for name, value in found.items()}
            scores.append(found["completeness"])
        return {**told, "score": float(np.mean(scores))}

    return metrics


def _by_reconstruction(config: Config, data: ImageSet) -> _Figures:
    """How well images come back; their mean image, given for each, scores 0."""

    def metrics(translator: Translator) -> dict[str, float]:
        at = _spread(data.splits["validation"], _IMAGES)
        images = data.images("validation", at=at)
        reconstruct = translator.signatures()["reconstruct"].function
        outputs = _in_batches(lambda part: reconstruct(image=images[part]), images)
        error = float(np.abs(outputs - images).mean())
        return {"reconstruction": error, "score": _kept(error, images)}

    return metrics


def _by_attributes(data: LabelledData, folder: Path, say: Callable[[str], None]) -> _Figures:
    """Whether edits show what was asked, and how well images come back."""
    at = _spread(data.splits["validation"], _IMAGES)
    images, values = data.images("validation", at=at), data.values("validation")[at]
    classifiers: list[LabelJudge] = []

    def metrics(translator: Translator) -> dict[str, float]:
        if not classifiers:
            say("training the classifiers that choose the best checkpoint, once in a run ...")
            classifiers.extend(_classifiers(data, folder))
        return _metrics(translator, images, values, data, classifiers)

    return metrics


def _classifiers(data: LabelledData, folder: Path) -> list[LabelJudge]:
    """One for each attribute, trained on the training split, or loaded from the folder."""
    at = _spread(data.splits["train"], _LEARNT)
    images, values = data.images("train", at=at), data.values("train")[at]
    return [
        train_label_judge(
            images, _labels(values, one, span), one.values, folder=folder, settings=_CLASSIFIER
        )
        for one, span in zip(data.attributes.each, data.attributes.spans, strict=True)
    ]


def _spread(count: int, limit: int) -> np.ndarray:
    """At most `limit` places of `count`, spread evenly."""
    return np.linspace(0, count - 1, min(limit, count)).round().astype(int)


def _labels(values: np.ndarray, attribute, span: tuple[int, int]) -> np.ndarray:
    """Which value of an attribute each row has."""
    codes = np.array([attribute.encode(value) for value in attribute.values], np.float32)
    return (values[:, None, slice(*span)] == codes[None]).all(-1).argmax(-1)


def _metrics(
    translator: Translator,
    images: np.ndarray,
    values: np.ndarray,
    data: LabelledData,
    classifiers: list[LabelJudge],
) -> dict[str, float]:
    hits = []
    told = zip(data.attributes.each, data.attributes.spans, classifiers, strict=True)
    for one, span, classifier in told:
        own = _labels(values, one, span)
        for wanted, value in enumerate(one.values):
            others = own != wanted
            asked = values[others].copy()
            asked[:, slice(*span)] = one.encode(value)
            edited = _translated(translator, images[others], asked)
            hits.append(classifier.hits(edited, np.full(len(edited), wanted)))
    accuracy = float(np.concatenate(hits).mean())
    error = float(np.abs(_translated(translator, images, values) - images).mean())
    kept = _kept(error, images)
    score = 2.0 * accuracy * kept / max(accuracy + kept, 1e-9)
    return {"swap_accuracy": accuracy, "reconstruction": error, "score": score}


def _kept(error: float, images: np.ndarray) -> float:
    """1 for images that come back, 0 for an error no less than that of the mean image."""
    nothing = np.abs(images.mean(0) - images).mean()
    return float(max(0.0, 1.0 - error / max(nothing, 1e-9)))


def _translated(translator: Translator, images: np.ndarray, values: np.ndarray) -> np.ndarray:
    function = translator.signatures()["translate"].function
    return _in_batches(lambda part: function(image=images[part], attributes=values[part]), images)


def _in_batches(function: Callable[[slice], Mapping], images: np.ndarray) -> np.ndarray:
    """The images that a function gives for each part of the images."""
    parts = [slice(i, i + _BATCH) for i in range(0, len(images), _BATCH)]
    return np.concatenate([images[:0], *(np.asarray(function(part)["image"]) for part in parts)])
