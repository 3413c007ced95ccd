"""Measures translated images that are at hand as arrays, whatever made them."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tf_translate.evaluation.judges.judges import JudgeSettings, train_judges
from tf_translate.evaluation.metrics.evaluate_direction import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction, Report
from tf_translate.evaluation.report.write import write_report
from tf_translate.images import LARGEST, UNIT_RANGE_FIX
from tf_translate.pretrained.registry import load_pretrained

_JUDGES, _METRICS = "judges", "metrics"  # in the folder
_TITLE = "translated images"


def evaluate_images(
    outputs: np.ndarray,
    *,
    source: np.ndarray,
    target: np.ndarray,
    train_source: np.ndarray,
    train_target: np.ndarray,
    truth: np.ndarray | None = None,
    counterfactual: bool = False,
    pretrained: Sequence[str] = (),
    judges: JudgeSettings | None = None,
    folder: str | Path | None = None,
    seed: int = 0,
    report: Callable[[str], None] | None = print,
) -> Report:
    """Measures content and domain of translated images, as `tf-translate evaluate` does.

    The images may come from `predict`, from an exported file, or from another library.

    All images are float `(n, height, width, channels)` in [-1, 1] with 1, 3 or 4 channels. Sizes
    and channels of the two domains may differ. Judges are evaluation classifiers, trained on the
    training images, never used in training a method.

    Args:
        outputs: The translation of each image of `source`, in its order.
        source, target: Real held-out images of both domains, at least 4 each. No model may have
            learned from them.
        train_source, train_target: Training images of both domains. The judges learn from them.
        truth: The true translation of each image of `source`, in its order, if it is known.
        counterfactual: Whether the truth differs from the source in the edit alone, as a person
            with glasses from the same drawing without. Adds errors inside and outside the edit.
        pretrained: Networks whose features are a second view, such as "efficientnet_lite0"; see
            `tf-translate pretrained`. One that the model trained with is no judge of it.
        judges: How the judges are trained: `JudgeSettings(side=64, batch=64, domain_steps=400,
            content_steps=100, seed=0)` by default, as in `tf-translate evaluate`.
        folder: Where to keep the judges and to write a page with images, `index.html`, the same
            values as JSON, and all images, `a_to_b.npz`; they replace those of an earlier call.
            None keeps nothing, and the judges train at each call.
        seed: Seed of random targets, KID's subsets and the bootstrap.
        report: Called with a line before a judge trains, which takes minutes; None is silent.

    Returns:
        The report. `results` has the metrics of "output" and of the fixed rows "identity",
        "random target" and, if known, "ground truth"; `value("output", "completeness")` is one of
        them, or None where it is undefined, as with judges that cannot tell the domains apart;
        `as_dict()` has all with their 95 % intervals and protocols.

    Raises:
        DataError: If there are too few images, or there is no such pretrained network.
        ValueError: If an array has another shape, kind or range, or another number of images.

    Example:
        ```python
        found = evaluate_images(
            model.predict(test_a),
            source=test_a,
            target=test_b,
            train_source=train_a,
            train_target=train_b,
            folder="evaluation",
        )
        print(found.value("output", "completeness"), found.value("identity", "completeness"))
        ```
    """
    direction = Direction(
        "a_to_b",
        _checked("source", source),
        _checked("target", target),
        _checked("outputs", outputs),
        truth=None if truth is None else _checked("truth", truth),
        train_source=_checked("train_source", train_source),
        train_target=_checked("train_target", train_target),
        counterfactual=counterfactual,
    )
    networks = [load_pretrained(name) for name in pretrained]
    kept = None if folder is None else Path(folder)
    trained = train_judges(
        *direction.training_images(),
        folder=None if kept is None else kept / _JUDGES,
        settings=judges,
        report=report,
    )
    found = evaluate_direction(direction, trained, networks=networks, seed=seed)
    if kept is not None:
        write_report(kept, [found], title=_TITLE, metadata={}, protocol_name=_METRICS)
    return found


def _checked(name: str, images: np.ndarray) -> np.ndarray:
    """Images as float32."""
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or not len(array):
        raise ValueError(
            f"`{name}` must be images (n, height, width, 1, 3 or 4 channels), got shape "
            f"{array.shape}"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"`{name}` must be float images in [-1, 1], got {array.dtype}; scale 0..255 with "
            "tf_translate.images.to_float"
        )
    low, high = float(array.min()), float(array.max())
    if not (low >= -LARGEST and high <= LARGEST):  # NaN too
        raise ValueError(
            f"`{name}` must lie in [-1, 1], got values from {low:g} to {high:g}; clip images that "
            "exceed it, or scale 0..255 with tf_translate.images.to_float"
        )
    if low >= 0.0 and high > low:
        warnings.warn(
            f"all values of `{name}` are in [0, 1]; {UNIT_RANGE_FIX}",
            stacklevel=3,
        )
    return np.clip(array.astype(np.float32), -1.0, 1.0)
