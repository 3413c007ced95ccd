"""The names, meanings and exact protocols of the metrics: what stands beside every number."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tf_translate.evaluation.judges import judges as judging
from tf_translate.evaluation.judges.judges import Judges
from tf_translate.evaluation.judges.label_judge import PROTOCOL as LABEL_PROTOCOL
from tf_translate.evaluation.judges.label_judge import LabelJudge
from tf_translate.evaluation.metrics import kernel_distance, pixel_distance
from tf_translate.evaluation.metrics.pretrained_metrics import feature_metrics
from tf_translate.evaluation.metrics.results import Direction, Metric
from tf_translate.pretrained.registry import Features

LABEL = "content/label"
OUTSIDE = "content/outside"
# What reconstructions do not have: the input is the truth already, and of the target domain.
_NOT_OF_RECONSTRUCTIONS = ("completeness", "content/skill")
LABEL_REFERENCE = "label judge: accuracy on real held-out target images"


def kid_name(judges: Judges) -> str:
    """Names the kernel distance by its features and size, as it compares to no other."""
    return f"domain/kid/judge@{judges.domain.side}"


def sensible(taken: dict[str, Any], direction: Direction) -> dict[str, Any]:
    """The metrics that mean something for a direction, by name."""
    left_out = _NOT_OF_RECONSTRUCTIONS if direction.reconstruction else ()
    return {name: value for name, value in taken.items() if name not in left_out}


def domain_reference(direction: Direction) -> str:
    """Names the domain judge's own accuracy by what it is taken on."""
    if direction.reconstruction:
        return "domain judge: accuracy on held-out images and their reconstructions"
    return "domain judge: accuracy on real held-out images"


def metrics(
    direction: Direction,
    judges: Judges,
    *,
    labels: LabelJudge | None = None,
    networks: Sequence[Features] = (),
    split: str,
    seed: int,
    resamples: int,
) -> tuple[Metric, ...]:
    """Gives the metrics that are taken of a direction, in the order of the table."""
    count, targets = len(direction.source), len(direction.target)
    on = f"n = {count} of split {split}"
    listed = [
        Metric(
            "completeness",
            "Content and domain in one number: 0 if either is missing, 1 if both are as good as "
            "they can be here.",
            "harmonic mean of content/retrieval@1 (random target = 0, "
            f"{'ground truth' if direction.truth is not None else 'identity'} = 1) and "
            f"domain/accuracy (source = 0, real target = 1), each clipped to [0, 1]; {on}; 95 % "
            f"interval from {resamples} bootstrap samples of the test images, seed {seed}",
        ),
        Metric(
            "content/retrieval@1",
            f"Share of images whose own source is the nearest among {count} held-out "
            f"sources; chance is 1/{count} = {1 / count:.3f}.",
            f"cosine of the content judge's features at {judges.content.side} px; {on}; ties "
            "share the hit; identity is 1 by construction, as it is compared with itself",
        ),
    ]
    listed += _label_metrics(labels, on)
    listed += _truth_metrics(direction, on)
    listed += [
        Metric(
            "domain/accuracy",
            "Share of images that an independent classifier takes for the target domain.",
            f"domain judge at {judges.domain.side} px; {on}",
        ),
        Metric(
            kid_name(judges),
            "Distance of the images as a set to real target images; 0 is no "
            "difference, and only numbers of this very table compare.",
            "unbiased squared kernel distance (cubic polynomial) on the domain judge's channel "
            f"means (standardised, of one length) at {judges.domain.side} px; {on} "
            f"against {targets} held-out targets, pairs of "
            f"an image and its own counterpart left out; {kernel_distance.SUBSETS} random halves, seed "
            f"{seed}; standard error by delete-half jackknife",
            higher_is_better=False,
        ),
        *feature_metrics(direction, networks, on, seed=seed),
    ]
    return tuple(sensible({metric.name: metric for metric in listed}, direction).values())


def _label_metrics(judge: LabelJudge | None, on: str) -> list[Metric]:
    if judge is None:
        return []
    count = len(judge.classes)
    return [
        Metric(
            LABEL,
            "Share of images that an independent classifier of the target domain takes for the "
            f"class of their source; guessing among {count} classes gives about {1 / count:.3f}.",
            f"judge of {count} labels at {judge.settings.side} px, trained on real target images "
            f"and their labels only{', on luminance' if judge.grey else ''}; {on}; random targets "
            "are held against the labels of the sources in whose place they stand",
        )
    ]


def _truth_metrics(direction: Direction, on: str) -> list[Metric]:
    if direction.truth is None:
        return []
    height, width = direction.target.shape[1:3]
    seen = f"three channels (alpha over white) at {height} x {width}; mean over {on}"
    listed = [
        Metric(
            "content/l1",
            "Mean difference to the true counterpart, on a scale where black to white is 2.",
            f"pixels in [-1, 1], {seen}",
            higher_is_better=False,
        ),
        Metric(
            "content/skill",
            "How much of the way from the input to the truth was gone: 0 for handing the input "
            "back, 1 for the truth itself.",
            f"1 - mean L1(output, truth) / mean L1(input, truth); {seen}",
        ),
        Metric(
            "content/psnr",
            "The same difference in decibels; a copy counts as 100.",
            f"per image, data range 2, at most {pixel_distance.PSNR_OF_A_COPY:.0f} dB; {seen}",
        ),
    ]
    if direction.counterfactual:
        listed.append(
            Metric(
                OUTSIDE,
                "Mean difference to the source outside the region that the true edit changes.",
                f"pixels in [-1, 1] where source and truth are within 2 of 255; {seen}",
                higher_is_better=False,
            )
        )
    if min(height, width) >= pixel_distance.SSIM_WINDOW:
        listed.append(
            Metric(
                "content/ssim",
                "Likeness of local structure to the true counterpart; 1 is equal.",
                f"Wang et al. 2004, Gaussian 11 x 11, sigma 1.5, intensities in [0, 2]; {seen}",
            )
        )
    return listed


def describe(
    direction: Direction,
    judges: Judges,
    *,
    labels: LabelJudge | None = None,
    split: str,
    seed: int,
) -> dict[str, Any]:
    """Gives what held for every number of a direction, in words and numbers JSON can hold."""
    told: dict[str, Any] = {
        "split": split,
        "held-out source images": len(direction.source),
        "held-out target images": len(direction.target),
        "known counterparts": 0 if direction.truth is None else len(direction.truth),
        "held-out images that are also training images": _seen_in_training(direction),
        "seed": seed,
        "resize": "bicubic with antialiasing, clipped to [-1, 1]; alpha over white, grey repeated",
        "random target": "a random order in which no image meets its own truth"
        if direction.truth is not None
        else "held-out target images in random order",
        "judges": asdict(judges.settings)
        | {"protocol": judging.PROTOCOL, "training images": judges.fingerprint[:16]},
        "kid features": "of the domain judge, because the content judge is made chance_level to style",
    }
    if labels is not None:
        told["label judge"] = asdict(labels.settings) | {
            "protocol": LABEL_PROTOCOL,
            "classes": ", ".join(labels.classes),
            "training images": labels.fingerprint[:16],
        }
    return told


def _seen_in_training(direction: Direction) -> int | None:
    """Counts held-out images that are, pixel for pixel, training images of their domain."""
    found = 0
    for held_out, trained in (
        (direction.source, direction.train_source),
        (direction.target, direction.train_target),
    ):
        if trained is None:
            return None
        known = {np.ascontiguousarray(image).tobytes() for image in trained}
        found += sum(np.ascontiguousarray(image).tobytes() in known for image in held_out)
    return found
