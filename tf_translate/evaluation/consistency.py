"""Content kept and domain reached: every figure of one direction, beside the fixed rows.

Each half alone is trivial. The identity map keeps all content and a random target picture is
perfectly in domain, so both are rows of every table, with the ground truth where it exists.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tf_translate.evaluation import judges as judging
from tf_translate.evaluation import kernel, pixel, protocol, views
from tf_translate.evaluation.feature_figures import FeatureFigures
from tf_translate.evaluation.features import Features
from tf_translate.evaluation.figures import Direction, Measured, Report, measured
from tf_translate.evaluation.judges import Judges
from tf_translate.evaluation.label_judge import LabelJudge

RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class _Row:
    """Pictures to measure: `counterparts` are the rows of the target set they depend on."""

    name: str
    images: np.ndarray
    counterparts: np.ndarray


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the judges said of a row, picture by picture."""

    found: np.ndarray
    says_target: np.ndarray
    similarity: np.ndarray


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
        direction: Pictures in, pictures out, and the truth where it is known.
        judges: Trained on the training split of the same two domains, source first.
        labels: Judge of the target's labels, where both domains have labels; None takes no
            figure of them.
        networks: Pretrained ones whose figures are wanted beside the judges'.
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
    rows = _rows(direction, seed)
    looked_for = judges.content.features(direction.source)
    seen = {row.name: _looked_at(row.images, looked_for, judges) for row in rows}
    anchors = _Anchors(seen, judges.domain.says_target(direction.target))
    reference = judges.domain.features(direction.target)
    kid = protocol.kid_name(judges)
    pretrained = FeatureFigures(direction, networks, seed=seed)
    figures: dict[str, dict[str, Measured]] = {}
    for row in rows:
        distance = kernel.kernel_distance(
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
        figures[row.name] = protocol.sensible(taken, direction)
    return Report(
        direction=direction,
        figures=protocol.figures(
            direction,
            judges,
            labels=labels,
            networks=networks,
            split=split,
            seed=seed,
            resamples=resamples,
        ),
        rows=figures,
        references=_references(direction, judges, seen, seed)
        | _label_reference(direction, labels)
        | {"kid ceiling (source vs target)": figures["identity"][kid]}
        | pretrained.references(),
        protocol=protocol.describe(direction, judges, labels=labels, split=split, seed=seed),
        of_images=_of_images(direction, seen["output"], labels),
    )


def consistency(direction: Direction, judges: Judges, *, seed: int = 0) -> dict[str, float]:
    """Both halves of the outputs and their harmonic mean, without intervals and further figures.

    Args:
        direction, judges, seed: As for `evaluate_direction`.

    Returns:
        `content/retrieval@1`, `domain/accuracy` and `completeness`, each in [0, 1];
        completeness is 0 where a judge cannot tell nothing from everything.
    """
    looked_for = judges.content.features(direction.source)
    rows = _rows(direction, seed)
    seen = {row.name: _looked_at(row.images, looked_for, judges) for row in rows}
    anchors = _Anchors(seen, judges.domain.says_target(direction.target))
    return {
        "content/retrieval@1": float(seen["output"].found.mean()),
        "domain/accuracy": float(seen["output"].says_target.mean()),
        "completeness": float(np.nan_to_num(anchors.harmonic(seen["output"]))),
    }


def _rows(direction: Direction, seed: int) -> list[_Row]:
    own = np.full(len(direction.source), -1)
    if direction.truth is not None:
        own = _positions(direction.truth, direction.target)
    rows = [_Row("output", direction.outputs, own), _Row("identity", direction.source, own)]
    if direction.truth is None:
        chosen = _random_targets(len(direction.source), len(direction.target), seed)
        rows.append(_Row("random target", direction.target[chosen], chosen))
    else:
        others = _derangement(len(direction.source), seed)
        rows.append(_Row("random target", direction.truth[others], own[others]))
        rows.append(_Row("ground truth", direction.truth, own))
    return rows


def _positions(images: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Finds each image in a set by its pixels; -1 where it is not there."""
    places = {image.tobytes(): place for place, image in enumerate(among)}
    return np.array([places.get(image.tobytes(), -1) for image in images])


def _derangement(count: int, seed: int) -> np.ndarray:
    """Gives every number below `count` another one: a random cycle through all."""
    order = np.random.default_rng(seed).permutation(count)
    partner = np.empty(count, np.int64)
    partner[order] = np.roll(order, 1)
    return partner


def _random_targets(count: int, available: int, seed: int) -> np.ndarray:
    """Draws without repeats as long as there are targets left."""
    return np.random.default_rng(seed).permutation(available)[np.arange(count) % available]


def _looked_at(images: np.ndarray, looked_for: np.ndarray, judges: Judges) -> _Seen:
    features = judges.content.features(images)
    return _Seen(
        found=judging.retrieved(features, looked_for),
        says_target=judges.domain.says_target(images).astype(np.float64),
        similarity=np.sum(features * looked_for, axis=1),
    )


class _Anchors:
    """What counts as nothing and as everything when content and domain are put together."""

    def __init__(self, seen: dict[str, _Seen], real_target: np.ndarray):
        self._no_content = seen["random target"].found
        self._all_content = seen.get("ground truth", seen["identity"]).found
        self._no_domain = seen["identity"].says_target
        self._all_domain = real_target.astype(np.float64)

    def completeness(self, seen: _Seen, *, resamples: int, seed: int) -> Measured:
        """Harmonic mean of both normalised halves, with its 95 % bootstrap interval."""
        value, count, targets = self.harmonic(seen), len(seen.found), len(self._all_domain)
        random = np.random.default_rng(seed)
        draws = random.integers(0, count, (resamples, count))
        target_draws = random.integers(0, targets, (resamples, targets))
        spread = self._harmonic(seen, draws, target_draws)
        if not np.isfinite(value):
            return Measured(None)
        low, high = np.nanpercentile(spread, [2.5, 97.5])
        return measured(value, interval=(float(low), float(high)))

    def harmonic(self, seen: _Seen) -> float:
        """Harmonic mean of both normalised halves; NaN where a judge cannot tell."""
        every, targets = np.arange(len(seen.found)), np.arange(len(self._all_domain))
        return float(self._harmonic(seen, every[None], targets[None])[0])

    def _harmonic(self, seen: _Seen, draws: np.ndarray, target_draws: np.ndarray) -> np.ndarray:
        content = _normalised(
            seen.found[draws].mean(1),
            self._no_content[draws].mean(1),
            self._all_content[draws].mean(1),
        )
        domain = _normalised(
            seen.says_target[draws].mean(1),
            self._no_domain[draws].mean(1),
            self._all_domain[target_draws].mean(1),
        )
        return 2.0 * content * domain / np.maximum(content + domain, 1e-12)


def _normalised(values: np.ndarray, none: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Maps none to 0 and full to 1, clipped; NaN where a judge cannot tell the two apart."""
    span = np.where(full > none, full - none, np.nan)
    return np.clip((values - none) / span, 0.0, 1.0)


def _against_truth(images: np.ndarray, direction: Direction) -> dict[str, Measured]:
    if direction.truth is None:
        return {}
    truth = _as_shown(direction.truth, direction)
    shown = _as_shown(images, direction)
    taken = {
        "content/l1": measured(pixel.l1(shown, truth).mean()),
        "content/psnr": measured(pixel.psnr(shown, truth).mean()),
        "content/skill": measured(
            pixel.skill(shown, _as_shown(direction.source, direction), truth)
        ),
    }
    if direction.counterfactual:
        source = _as_shown(direction.source, direction)
        taken[protocol.OUTSIDE] = measured(np.nanmean(pixel.outside(shown, source, truth)))
    if min(truth.shape[1:3]) >= pixel.SSIM_WINDOW:
        taken["content/ssim"] = measured(pixel.ssim(shown, truth).mean())
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
    """Three channels at the size of the target domain, so that any two pictures can be compared."""
    return views.at_size(views.as_colour(images), direction.target.shape[1:3])


def _of_images(
    direction: Direction, seen: _Seen, labels: LabelJudge | None
) -> dict[str, np.ndarray]:
    values = {"found": seen.found, "similarity": seen.similarity}
    if labels and direction.source_labels is not None:
        values["label_kept"] = labels.hits(direction.outputs, direction.source_labels)
    if direction.truth is not None:
        shown = _as_shown(direction.outputs, direction)
        values["l1"] = pixel.l1(shown, _as_shown(direction.truth, direction))
    return values


def _references(
    direction: Direction, judges: Judges, seen: dict[str, _Seen], seed: int
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
        floor = kernel.kernel_distance(*halves, seed=seed)
        numbers["kid floor (target vs target, halves)"] = measured(
            floor.value, standard_error=floor.standard_error
        )
    return numbers
