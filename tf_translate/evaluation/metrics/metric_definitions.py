"""Names, meanings and exact protocols of the metrics, which are reported with every value."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tf_translate.evaluation.judges.judges import PROTOCOL as JUDGES_PROTOCOL
from tf_translate.evaluation.judges.judges import Judges
from tf_translate.evaluation.judges.label_judge import PROTOCOL as LABEL_JUDGE_PROTOCOL
from tf_translate.evaluation.judges.label_judge import LabelJudge
from tf_translate.evaluation.metrics import kernel_distance, pixel_distance
from tf_translate.evaluation.metrics.pretrained_metrics import pretrained_metric_definitions
from tf_translate.evaluation.metrics.results import (
    HELD_OUT_SOURCES,
    HELD_OUT_TARGETS,
    TRAINING_OVERLAP,
    Direction,
    Metric,
)
from tf_translate.pretrained.registry import PretrainedNetwork

LABEL_ACCURACY = "content/label_accuracy"
L1_OUTSIDE_EDIT = "content/l1_outside_edit"
L1_INSIDE_EDIT = "content/l1_inside_edit"
# Of all formulas and features. Increase it if one changes: results of different protocols are not
# comparable. 1 was completeness by retrieval@1 and accuracy; 2 is frozen for `compare`.
PROTOCOL = 2
LABEL_JUDGE_ACCURACY = "label judge: accuracy on real held-out target images"
DOMAIN_JUDGE_ACCURACY = "domain judge: accuracy on real held-out images"
RESTYLED_RETRIEVAL = (
    "content judge: retrieval@1 of held-out source images after random style changes"
)
GROUND_TRUTH_RETRIEVAL = "content judge: retrieval@1 of the ground truth"
# Undefined for reconstructions: the input is the ground truth, and is in the target domain.
_NOT_OF_RECONSTRUCTIONS = ("completeness", "content/skill")


def kid_name(judges: Judges) -> str:
    """The name of the kernel distance, with its features and image size.

    Kernel distances of different features or sizes are not comparable.
    """
    return f"domain/kid/judge@{judges.domain.side}"


def applicable(values: dict[str, Any], direction: Direction) -> dict[str, Any]:
    """Selects the metrics that are defined for a direction, by name."""
    undefined = _NOT_OF_RECONSTRUCTIONS if direction.reconstruction else ()
    return {name: value for name, value in values.items() if name not in undefined}


def domain_judge_accuracy(direction: Direction) -> str:
    """The name of the domain judge's own accuracy, with the images it is computed on."""
    if direction.reconstruction:
        return "domain judge: accuracy on held-out images and their reconstructions"
    return DOMAIN_JUDGE_ACCURACY


def metric_definitions(
    direction: Direction,
    judges: Judges,
    *,
    labels: LabelJudge | None = None,
    networks: Sequence[PretrainedNetwork] = (),
    split: str,
    seed: int,
    resamples: int,
) -> tuple[Metric, ...]:
    """Builds the definitions of all metrics of a direction, in the order of the table."""
    count, targets = len(direction.source), len(direction.target)
    on = f"n = {count} of split {split}"
    best_content = "ground truth" if direction.truth is not None else "identity"
    definitions = [
        Metric(
            "completeness",
            "Content and domain in one value: 0 if either is missing, 1 if both reach their "
            "baselines.",
            "2cd / (c + d), c = content/margin scaled so that random target = 0 and "
            f"{best_content} = 1, d = the smaller of domain/accuracy scaled so that source = 0 and "
            f"real target = 1, and of 1 - {kid_name(judges)} / that of the source; all clipped to "
            f"[0, 1]; {on}; 95 % confidence interval from {resamples} bootstrap samples of the "
            f"test images, seed {seed}",
        ),
        Metric(
            "content/retrieval@1",
            f"Fraction of images with their own source as the nearest of {count} held-out "
            f"sources; chance is 1/{count} = {1 / count:.3f}.",
            f"cosine similarity of the content judge's features at {judges.content.side} px; "
            f"{on}; a tie among k counts 1/k; identity is 1 by construction, as each image is "
            "compared with itself",
        ),
        Metric(
            "content/reciprocal_rank",
            f"1 / rank of the own source among {count} held-out sources, the mean over images; 1 "
            "if it is always the nearest.",
            f"features as for content/retrieval@1; equally near sources share a rank; {on}",
        ),
        Metric(
            "content/margin",
            "How much nearer the own source is than the nearest other one; above 0 if it is the "
            "nearest, and larger the clearer it is.",
            "cosine similarity to the own source minus that to the most similar other one, the "
            f"mean over images; features as for content/retrieval@1; {on}",
        ),
    ]
    definitions += _label_definitions(labels, on)
    definitions += _truth_definitions(direction, on)
    definitions += [
        Metric(
            "domain/accuracy",
            "Fraction of images that the domain judge classifies as the target domain.",
            f"domain judge, an independent classifier, at {judges.domain.side} px; {on}",
        ),
        Metric(
            kid_name(judges),
            "Distance between the images and the real target images, as two sets; 0 is no "
            "difference. Only values of the same table are comparable.",
            "unbiased squared kernel distance (cubic polynomial) on the domain judge's channel "
            f"means (standardized, of equal norm) at {judges.domain.side} px; {on} "
            f"against {targets} held-out targets, without pairs of an image and its own "
            f"counterpart; {kernel_distance.SUBSETS} random halves, seed {seed}; "
            "standard error by delete-half jackknife",
            higher_is_better=False,
        ),
        *pretrained_metric_definitions(direction, networks, on, seed=seed),
    ]
    return tuple(applicable({each.name: each for each in definitions}, direction).values())


def _label_definitions(judge: LabelJudge | None, on: str) -> list[Metric]:
    if judge is None:
        return []
    count = len(judge.classes)
    return [
        Metric(
            LABEL_ACCURACY,
            "Fraction of images that the label judge assigns to the class of their source; "
            f"guessing among {count} classes gives about {1 / count:.3f}.",
            f"label judge of {count} classes at {judge.settings.side} px, trained on real target "
            f"images and their labels only{', on luminance' if judge.grey else ''}; {on}; each "
            "random target is compared with the label of the source it replaces",
        )
    ]


def _truth_definitions(direction: Direction, on: str) -> list[Metric]:
    if direction.truth is None:
        return []
    height, width = direction.target.shape[1:3]
    input_images = f"RGB (alpha composited over white) at {height} x {width}; mean over {on}"
    definitions = [
        Metric(
            "content/l1",
            "Mean absolute difference from the ground truth; from black to white is 2.",
            f"pixels in [-1, 1], {input_images}",
            higher_is_better=False,
        ),
        Metric(
            "content/skill",
            "Skill score of the L1 distance: 0 for the unchanged input, 1 for the ground truth.",
            f"1 - mean L1(output, truth) / mean L1(input, truth); {input_images}",
        ),
        Metric(
            "content/psnr",
            "Peak signal-to-noise ratio to the ground truth in decibels; a copy counts as 100.",
            f"per image, data range 2, at most {pixel_distance.MAX_PSNR:.0f} dB; {input_images}",
        ),
    ]
    if direction.counterfactual:
        definitions.append(
            Metric(
                L1_OUTSIDE_EDIT,
                "Mean absolute difference from the source outside the region that the true edit "
                "changes.",
                "pixels in [-1, 1] where source and truth differ by at most 2 of 255; "
                f"{input_images}",
                higher_is_better=False,
            )
        )
        definitions.append(
            Metric(
                L1_INSIDE_EDIT,
                "Mean absolute difference from the ground truth inside the region that the true "
                "edit changes; compare it with that of the unchanged source.",
                "pixels in [-1, 1] where source and truth differ by more than 2 of 255; "
                f"{input_images}",
                higher_is_better=False,
            )
        )
    if min(height, width) >= pixel_distance.SSIM_WINDOW:
        definitions.append(
            Metric(
                "content/ssim",
                "Structural similarity to the ground truth; 1 is equal.",
                "Wang et al. 2004, Gaussian 11 x 11, sigma 1.5, intensities in [0, 2]; "
                f"{input_images}",
            )
        )
    return definitions


def protocol(
    direction: Direction,
    judges: Judges,
    *,
    labels: LabelJudge | None = None,
    split: str,
    seed: int,
) -> dict[str, Any]:
    """Builds the conditions that all metrics of a direction share, as JSON values."""
    conditions: dict[str, Any] = {
        "metrics": PROTOCOL,
        "split": split,
        HELD_OUT_SOURCES: len(direction.source),
        HELD_OUT_TARGETS: len(direction.target),
        "ground-truth images": 0 if direction.truth is None else len(direction.truth),
        TRAINING_OVERLAP: _training_overlap(direction),
        "seed": seed,
        "resize": "bicubic with antialiasing, clipped to [-1, 1]; alpha over white, grey repeated",
        "random target": "the ground truth in a random order in which no source has its own"
        if direction.truth is not None
        else "held-out target images in random order",
        "judges": asdict(judges.settings)
        | {"protocol": JUDGES_PROTOCOL, "training images": judges.fingerprint[:16]},
        "kid features": "of the domain judge, as the content judge is trained to ignore style",
    }
    if labels is not None:
        conditions["label judge"] = asdict(labels.settings) | {
            "protocol": LABEL_JUDGE_PROTOCOL,
            "classes": ", ".join(labels.classes),
            "training images": labels.fingerprint[:16],
        }
    return conditions


def _training_overlap(direction: Direction) -> int | None:
    """Counts held-out images that equal a training image of their domain in every pixel."""
    count = 0
    for held_out, training in (
        (direction.source, direction.train_source),
        (direction.target, direction.train_target),
    ):
        if training is None:
            return None
        known = {np.ascontiguousarray(image).tobytes() for image in training}
        count += sum(np.ascontiguousarray(image).tobytes() in known for image in held_out)
    return count
