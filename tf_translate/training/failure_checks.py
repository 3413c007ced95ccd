"""Early signs of how training fails, in plain words, from losses and images that are there."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Ours, from runs that were made to fail; none of a paper.
SURE = 0.9  # lead of a discriminator that tells real from made nearly always
TELLS = 0.5  # lead above which what is made does not pass yet
SAME = 0.02  # mean absolute difference on [-1, 1]: two of 255 levels
INVERTED = -0.5  # correlation with the input
NARROW = 0.1  # share of the spread that there should be
_FLAT = 1e-3  # spread below which images say nothing


@dataclass(frozen=True)
class Shown:
    """One way of translating, on the few images that are watched.

    Attributes:
        title: What was done to them.
        inputs: `(batch, height, width, channels)` in [-1, 1].
        outputs: What came out.
        targets: Images as they should look, not those of the inputs; None: the inputs are.
        unchanged: What comes out if nothing is to change; None: nothing is to change.
        depends_on: Whether outputs are made of the inputs, and not of noise.
    """

    title: str
    inputs: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray | None = None
    unchanged: np.ndarray | None = None
    depends_on: bool = True


@dataclass(frozen=True)
class Sign:
    """Something that looks like a failure: its name, what was seen, what usually helps."""

    name: str
    seen: str
    cure: str


def difference(shown: Shown) -> float | None:
    """Mean absolute difference of outputs from what comes out if nothing is to change."""
    if shown.unchanged is None or shown.unchanged.shape != shown.outputs.shape:
        return None
    return float(np.abs(_wide(shown.outputs) - _wide(shown.unchanged)).mean())


def correlation(shown: Shown) -> float | None:
    """Correlation of outputs with inputs over the pixels of a image; the median of images."""
    if not shown.depends_on or shown.inputs.shape[:3] != shown.outputs.shape[:3]:
        return None
    ones, others = (_wide(images).mean(-1) for images in (shown.inputs, shown.outputs))
    found = []
    for one, other in zip(ones, others, strict=True):
        if min(one.std(), other.std()) > _FLAT:
            found.append(np.mean((one - one.mean()) * (other - other.mean())))
            found[-1] /= one.std() * other.std()
    return float(np.median(found)) if found else None


def spread(shown: Shown) -> float | None:
    """How much outputs differ from each other, as a share of how much they should.

    That is how much inputs do or, if less, the targets: the deviation over the images at each
    pixel, averaged.
    """
    if len(shown.outputs) < 2:
        return None
    wanted = [shown.inputs] if shown.targets is None else [shown.inputs, shown.targets]
    least = min(_deviation(images) for images in wanted)
    return _deviation(shown.outputs) / least if least > _FLAT else None


def signs_of(shown: Shown, leads: Mapping[str, float]) -> list[Sign]:
    """The signs that images show.

    Args:
        shown: The images.
        leads: `discriminator_skill/TERM` of the discriminators now, where there is such a metric. Outputs that equal
            inputs are no failure once no discriminator can tell them.
    """
    found = []
    same, likeness, width = difference(shown), correlation(shown), spread(shown)
    passes = bool(leads) and max(leads.values()) < TELLS
    if same is not None and same < SAME and not passes:
        found.append(
            Sign(
                "identity map",
                f"{shown.title} hands its input back: they differ by {same:.4f} on [-1, 1]",
                "lower the weights of content terms (identity, cycle, reconstruction) or raise "
                "the adversarial term's",
            )
        )
    if likeness is not None and likeness < INVERTED:
        found.append(
            Sign(
                "colour inversion",
                f"{shown.title} turns light into dark: output and input correlate by "
                f"{likeness:.2f}",
                "unless that is the task, start again with another training.seed, or with "
                "loss_weights.identity or model.input_skip where the method has them",
            )
        )
    if width is not None and width < NARROW:
        found.append(
            Sign(
                "collapse",
                f"{shown.title} makes nearly the same image of every input: outputs differ "
                f"{width:.3f} times as much as they should",
                "lower model.optimizer.learning_rate, raise the weights of content terms, and go "
                "on from an earlier checkpoint or anew",
            )
        )
    return found


def discriminator_wins(term: str, lead: float) -> Sign | None:
    """The sign of a discriminator that has nothing to learn any more and nothing to teach."""
    if lead < SURE:
        return None
    return Sign(
        "discriminator wins",
        f"the {term} tells real from made nearly always: its lead is {lead:.2f} "
        "(0 if it cannot tell, 1 if it always can)",
        "weaken it (a lower learning rate, a smaller model.discriminator_filters, fewer turns), or, where "
        "the method has them, show it images under noise (model.discriminator_noise) and hold its "
        "gradient (loss_weights.r1, a gradient penalty)",
    )


def _deviation(images: np.ndarray) -> float:
    return float(_wide(images).std(0).mean())


def _wide(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, np.float64)
