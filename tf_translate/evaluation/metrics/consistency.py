"""Content kept and domain reached: every metric of one direction, beside the fixed rows.

Each half alone is trivial. The identity map keeps all content and a random target image is
perfectly in domain, so both are rows of every table, with the ground truth where it exists.
"""

from collections.abc import Sequence

import numpy as np

from tf_translate.evaluation.judges.judges import Judges, network_inputs
from tf_translate.evaluation.judges.label_judge import LabelJudge
from tf_translate.evaluation.metrics import kernel_distance, pixel_distance, protocol
from tf_translate.evaluation.metrics.completeness import Anchors, Seen, looked_at, rows_of
from tf_translate.evaluation.metrics.pretrained_metrics import FeatureFigures
from tf_translate.evaluation.metrics.results import Direction, Measured, Report, measured
from tf_translate.pretrained.registry import Features

RESAMPLES = 1000


def evaluate_direction(
    direction: Direction,
    judges: Judges,
    *,
    labels: LabelJudge | None = None,
    networks: Sequence[Features] = (),
    split: str = "test",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Report:
    """Measures one direction of translation on held-out images.

    Args:
        direction: Images in, images out, and the truth where it is known.
        judges: Trained on the training split of the same two domains, source first.
        labels: Judge of the target's labels, where both domains have labels; None takes no
            metric of them.
        networks: Pretrained ones whose metrics are wanted beside the judges'.
        split: Name of the held-out split, for the protocol.
        seed: Of random targets, KID's subsets and the bootstrap.
        resamples: Bootstrap samples of the test images.

    Returns:
        The report; its rows are `output`, `identity`, `random target` and, with truth,
        `ground truth`.

    Raises:
        ValueError: If there is a judge of labels, but no labels of the held-out images.
    """
    if labels and (direction.source_labels is None or direction.target_labels is None):
        raise ValueError(
            "`labels` needs `source_labels` and `target_labels` of the direction, got a judge only"
        )
    rows = rows_of(direction, seed)
    looked_for = judges.content.features(direction.source)
    seen = {row.name: looked_at(row.images, looked_for, judges) for row in rows}
    anchors = Anchors(seen, judges.domain.says_target(direction.target))
    reference = judges.domain.features(direction.target)
    kid = protocol.kid_name(judges)
    pretrained = FeatureFigures(direction, networks, seed=seed)
    metrics: dict[str, dict[str, Measured]] = {}
    for row in rows:
        distance = kernel_distance.kernel_distance(
            judges.domain.features(row.images), reference, counterparts=row.counterparts, seed=seed
        )
        taken = {
            "completeness": anchors.completeness(seen[row.name], resamples=resamples, seed=seed),
            "content/retrieval@1": measured(seen[row.name].found.mean()),
            **_labels_kept(row.images, direction, labels),
            **_against_truth(row.images, direction),
            "domain/accuracy": measured(seen[row.name].says_target.mean()),
            kid: measured(distance.value, standard_error=distance.standard_error),
            **pretrained.of(row.images, row.counterparts),
        }
        metrics[row.name] = protocol.sensible(taken, direction)
    return Report(
        direction=direction,
        metrics=protocol.metrics(
            direction,
            judges,
            labels=labels,
            networks=networks,
            split=split,
            seed=seed,
            resamples=resamples,
        ),
        rows=metrics,
        references=_references(direction, judges, seen, seed)
        | _label_reference(direction, labels)
        | {"kid ceiling (source vs target)": metrics["identity"][kid]}
        | pretrained.references(),
        protocol=protocol.describe(direction, judges, labels=labels, split=split, seed=seed),
        of_images=_of_images(direction, seen["output"], labels),
    )


def _against_truth(images: np.ndarray, direction: Direction) -> dict[str, Measured]:
    if direction.truth is None:
        return {}
    truth = _as_shown(direction.truth, direction)
    shown = _as_shown(images, direction)
    taken = {
        "content/l1": measured(pixel_distance.l1(shown, truth).mean()),
        "content/psnr": measured(pixel_distance.psnr(shown, truth).mean()),
        "content/skill": measured(
            pixel_distance.skill(shown, _as_shown(direction.source, direction), truth)
        ),
    }
    if direction.counterfactual:
        source = _as_shown(direction.source, direction)
        taken[protocol.OUTSIDE] = measured(np.nanmean(pixel_distance.outside(shown, source, truth)))
    if min(truth.shape[1:3]) >= pixel_distance.SSIM_WINDOW:
        taken["content/ssim"] = measured(pixel_distance.ssim(shown, truth).mean())
    return taken


def _labels_kept(
    images: np.ndarray, direction: Direction, judge: LabelJudge | None
) -> dict[str, Measured]:
    if judge is None or direction.source_labels is None:
        return {}
    return {protocol.LABEL: _share(judge.hits(images, direction.source_labels))}


def _label_reference(direction: Direction, judge: LabelJudge | None) -> dict[str, Measured]:
    """How good the judge of labels itself is."""
    if judge is None or direction.target_labels is None:
        return {}
    hits = judge.hits(direction.target, direction.target_labels)
    return {protocol.LABEL_REFERENCE: _share(hits)}


def _share(hits: np.ndarray) -> Measured:
    """A share of hits with its binomial standard error."""
    share = float(hits.mean())
    return measured(share, standard_error=float(np.sqrt(share * (1.0 - share) / len(hits))))


def _as_shown(images: np.ndarray, direction: Direction) -> np.ndarray:
    """Three channels at the size of the target domain, so that any two images can be compared."""
    return network_inputs.at_size(network_inputs.as_colour(images), direction.target.shape[1:3])


def _of_images(
    direction: Direction, seen: Seen, labels: LabelJudge | None
) -> dict[str, np.ndarray]:
    values = {"found": seen.found, "similarity": seen.similarity}
    if labels and direction.source_labels is not None:
        values["label_kept"] = labels.hits(direction.outputs, direction.source_labels)
    if direction.truth is not None:
        shown = _as_shown(direction.outputs, direction)
        values["l1"] = pixel_distance.l1(shown, _as_shown(direction.truth, direction))
    return values


def _references(
    direction: Direction, judges: Judges, seen: dict[str, Seen], seed: int
) -> dict[str, Measured]:
    """How good the judges themselves are, and where KID stands when nothing differs."""
    other = direction.outputs if direction.reconstruction else direction.source
    numbers = {
        protocol.domain_reference(direction): measured(
            judges.domain.accuracy(other, direction.target)
        ),
        "content judge: held-out source images found after a random change of style": measured(
            judges.content.restyled_retrieval(direction.source, seed=seed)
        ),
    }
    if "ground truth" in seen:
        numbers["content judge: true counterparts that find their source"] = measured(
            seen["ground truth"].found.mean()
        )
    if len(direction.target) >= 8:
        order = np.random.default_rng(seed).permutation(len(direction.target))
        features = judges.domain.features(direction.target)
        halves = features[order[::2]], features[order[1::2]]
        floor = kernel_distance.kernel_distance(*halves, seed=seed)
        numbers["kid floor (target vs target, halves)"] = measured(
            floor.value, standard_error=floor.standard_error
        )
    return numbers
