"""Detects common training failures from losses and preview images.

Each check returns a warning with a message in plain words and a usual remedy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Our thresholds, from runs that were made to fail; none is from a paper.
WINNING_SKILL = 0.9  # skill of a discriminator that is nearly always right
FOOLED_SKILL = 0.5  # skill below which a discriminator accepts most translated images
MIN_DIFFERENCE = 0.02  # mean absolute difference on [-1, 1]: two of 255 levels
MIN_CORRELATION = -0.5  # correlation of output with input
MIN_SPREAD = 0.1  # fraction of the expected variation between outputs
_MIN_STANDARD_DEVIATION = 1e-3  # below it images are too uniform for a check

IMAGE_FAILURES = ("identity mapping", "colour inversion", "mode collapse")
DISCRIMINATOR_FAILURE = "discriminator wins"


@dataclass(frozen=True)
class PreviewBatch:
    """The preview images of one translation, with what they are compared with.

    Attributes:
        title: Name of the translation, as in "a to b".
        inputs: `(batch, height, width, channels)` in [-1, 1].
        outputs: The translated images.
        targets: Images of the target domain, unpaired with the inputs. None: the inputs serve as
            targets.
        identity_outputs: Outputs of a translation that changes nothing: the inputs or their
            reconstructions. None: outputs are expected to equal the inputs.
        from_noise: Whether outputs are generated from noise instead of the inputs.
    """

    title: str
    inputs: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray | None = None
    identity_outputs: np.ndarray | None = None
    from_noise: bool = False


@dataclass(frozen=True)
class FailureWarning:
    """A likely failure: its name, what was measured, and the usual remedy."""

    name: str
    message: str
    suggestion: str


def mean_difference(preview: PreviewBatch) -> float | None:
    """Mean absolute difference between outputs and the outputs of an identity mapping."""
    identity = preview.identity_outputs
    if identity is None or identity.shape != preview.outputs.shape:
        return None
    return float(np.abs(_float64(preview.outputs) - _float64(identity)).mean())


def correlation(preview: PreviewBatch) -> float | None:
    """Correlation of output with input over the pixels of an image; the median of all images."""
    if preview.from_noise or preview.inputs.shape[:3] != preview.outputs.shape[:3]:
        return None
    grey_inputs = _float64(preview.inputs).mean(-1)
    grey_outputs = _float64(preview.outputs).mean(-1)
    correlations = []
    for one, other in zip(grey_inputs, grey_outputs, strict=True):
        if min(one.std(), other.std()) > _MIN_STANDARD_DEVIATION:
            covariance = np.mean((one - one.mean()) * (other - other.mean()))
            correlations.append(covariance / (one.std() * other.std()))
    return float(np.median(correlations)) if correlations else None


def relative_spread(preview: PreviewBatch) -> float | None:
    """How much outputs differ from each other, relative to how much they are expected to.

    Spread is the standard deviation over the images at each pixel, averaged over pixels. The
    expected spread is that of the inputs or of the targets, whichever is smaller.
    """
    if len(preview.outputs) < 2:
        return None
    references = [preview.inputs]
    if preview.targets is not None:
        references.append(preview.targets)
    expected = min(_spread(images) for images in references)
    return _spread(preview.outputs) / expected if expected > _MIN_STANDARD_DEVIATION else None


def image_warnings(preview: PreviewBatch, skills: Mapping[str, float]) -> list[FailureWarning]:
    """Checks preview images for an identity mapping, colour inversion and mode collapse.

    Args:
        preview: The images.
        skills: Current `discriminator_skill/TERM` values; may be empty. Outputs that equal their
            inputs are no failure once no discriminator can tell them from real images.
    """
    warnings = []
    difference = mean_difference(preview)
    input_correlation = correlation(preview)
    spread = relative_spread(preview)
    fools_discriminators = bool(skills) and max(skills.values()) < FOOLED_SKILL
    if difference is not None and difference < MIN_DIFFERENCE and not fools_discriminators:
        warnings.append(
            FailureWarning(
                "identity mapping",
                f"{preview.title} returns its input: the mean difference is {difference:.4f} on "
                "[-1, 1]",
                "lower the weights of content terms (identity, cycle, reconstruction) or raise "
                "the weight of the adversarial term",
            )
        )
    if input_correlation is not None and input_correlation < MIN_CORRELATION:
        warnings.append(
            FailureWarning(
                "colour inversion",
                f"{preview.title} turns light into dark: the correlation of output and input is "
                f"{input_correlation:.2f}",
                "unless that is the task, start again with another training.seed, or with "
                "loss_weights.identity or model.input_skip if the method has them",
            )
        )
    if spread is not None and spread < MIN_SPREAD:
        warnings.append(
            FailureWarning(
                "mode collapse",
                f"{preview.title} generates nearly the same image for every input: the spread of "
                f"its outputs is {spread:.3f} times the expected one",
                "lower model.optimizer.learning_rate, raise the weights of content terms, and "
                "resume from an earlier checkpoint or start again",
            )
        )
    return warnings


def discriminator_warning(term: str, skill: float) -> FailureWarning | None:
    """Warns of a discriminator that is nearly always right, so that its gradients vanish."""
    if skill < WINNING_SKILL:
        return None
    return FailureWarning(
        DISCRIMINATOR_FAILURE,
        f"the {term} nearly always tells real images from generated ones: its skill is "
        f"{skill:.2f} (0 at chance level, 1 if it is always right)",
        "weaken it (a lower learning rate, a smaller model.discriminator_filters, fewer turns) "
        "or, if the method has them, add noise to its images (model.discriminator_noise) and "
        "penalize its gradient (loss_weights.r1, a gradient penalty)",
    )


def _spread(images: np.ndarray) -> float:
    return float(_float64(images).std(0).mean())


def _float64(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, np.float64)
