"""What decides between checkpoints of a method with attributes: both swap and reconstruction.

Fader Networks choose so (their code's `eval_clf`): a classifier that has no part in training
says whether edited pictures show what was asked, and the error of giving pictures back says
what was kept. It is another network than the judges that `evaluate` reports by, and it sees
validation pictures, so that the reported figures stay those of a test.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tf_translate.config.schema import Config
from tf_translate.core.translator import Translator
from tf_translate.data.labelled import LabelledData
from tf_translate.errors import ConfigError
from tf_translate.evaluation.label_judge import LabelJudge, LabelSettings, train_label_judge
from tf_translate.experiment.dataset import Data
from tf_translate.experiment.trained import load_file

_IMAGES, _LEARNT = 256, 4096  # most validation and training pictures
_BATCH = 32
_CLASSIFIER = LabelSettings(side=64)


def measure_of(
    config: Config, data: Data, folder: Path, say: Callable[[str], None] = print
) -> Callable[[Path], dict] | None:
    """How checkpoints are scored, or None if the last one is taken.

    Args:
        config: Its `training.choose` says whether; precision as in training.
        data: Classifiers learn from its training split and look at its validation split.
        folder: Where classifiers are kept.
        say: Shows a line; training the classifiers takes minutes.

    Returns:
        From a checkpoint to `swap_accuracy`, `reconstruction` (mean absolute error on
        [-1, 1]) and `score`.

    Raises:
        ConfigError: If the data has no attributes or no validation pictures to choose by.
    """
    if config.training.choose == "last":
        return None
    if not isinstance(data, LabelledData) or "validation" not in data.splits:
        raise ConfigError(
            "training.choose = 'best' goes by attributes of validation pictures, but "
            f"{config.data.path} is not read with data.attributes or has no validation split; "
            "set training.choose = 'last'"
        )
    at = _spread(data.splits["validation"], _IMAGES)
    images, values = data.images("validation", at=at), data.values("validation")[at]
    classifiers: list[LabelJudge] = []

    def measure(checkpoint: Path) -> dict[str, float]:
        if not classifiers:
            say("training the classifiers that choose the best checkpoint, once in a run ...")
            classifiers.extend(_classifiers(data, folder))
        policy = keras.mixed_precision.dtype_policy()
        try:
            translator = load_file(checkpoint, config)
        finally:
            keras.mixed_precision.set_global_policy(policy)
        return _figures(translator, images, values, data, classifiers)

    return measure


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


def _figures(
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
    error = np.abs(_translated(translator, images, values) - images).mean()
    nothing = np.abs(images.mean(0) - images).mean()
    kept = float(max(0.0, 1.0 - error / nothing))
    score = 2.0 * accuracy * kept / max(accuracy + kept, 1e-9)
    return {"swap_accuracy": accuracy, "reconstruction": float(error), "score": score}


def _translated(translator: Translator, images: np.ndarray, values: np.ndarray) -> np.ndarray:
    function = translator.signatures()["translate"].function
    parts = [slice(i, i + _BATCH) for i in range(0, len(images), _BATCH)]
    outputs = [function(image=images[p], attributes=values[p])["image"] for p in parts]
    return np.concatenate([images[:0], *(np.asarray(output) for output in outputs)])
