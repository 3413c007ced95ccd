"""Both halves in one number, between rows that hold none of a half and rows that hold all."""

from dataclasses import dataclass

import numpy as np

from tf_translate.evaluation.judges import judges as judging
from tf_translate.evaluation.judges.judges import Judges
from tf_translate.evaluation.metrics.results import Direction, Measured, measured


@dataclass(frozen=True, eq=False)
class Row:
    """Images to measure: `counterparts` are the rows of the target set they depend on."""

    name: str
    images: np.ndarray
    counterparts: np.ndarray


@dataclass(frozen=True, eq=False)
class Seen:
    """What the judges said of a row, image by image."""

    found: np.ndarray
    says_target: np.ndarray
    similarity: np.ndarray


def consistency(direction: Direction, judges: Judges, *, seed: int = 0) -> dict[str, float]:
    """Both halves of the outputs and their harmonic mean, without intervals and further metrics.

    Args:
        direction, judges, seed: As for `evaluate_direction`.

    Returns:
        `content/retrieval@1`, `domain/accuracy` and `completeness`, each in [0, 1];
        completeness is 0 where a judge cannot tell nothing from everything.
    """
    looked_for = judges.content.features(direction.source)
    rows = rows_of(direction, seed)
    seen = {row.name: looked_at(row.images, looked_for, judges) for row in rows}
    anchors = Anchors(seen, judges.domain.says_target(direction.target))
    return {
        "content/retrieval@1": float(seen["output"].found.mean()),
        "domain/accuracy": float(seen["output"].says_target.mean()),
        "completeness": float(np.nan_to_num(anchors.harmonic(seen["output"]))),
    }


def rows_of(direction: Direction, seed: int) -> list[Row]:
    """The output and the fixed rows: identity, random target and, where known, ground truth."""
    own = np.full(len(direction.source), -1)
    if direction.truth is not None:
        own = _positions(direction.truth, direction.target)
    rows = [Row("output", direction.outputs, own), Row("identity", direction.source, own)]
    if direction.truth is None:
        chosen = _random_targets(len(direction.source), len(direction.target), seed)
        rows.append(Row("random target", direction.target[chosen], chosen))
    else:
        others = _derangement(len(direction.source), seed)
        rows.append(Row("random target", direction.truth[others], own[others]))
        rows.append(Row("ground truth", direction.truth, own))
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


def looked_at(images: np.ndarray, looked_for: np.ndarray, judges: Judges) -> Seen:
    """What the judges say of images; `looked_for` are the content features of their sources."""
    features = judges.content.features(images)
    return Seen(
        found=judging.retrieved(features, looked_for),
        says_target=judges.domain.says_target(images).astype(np.float64),
        similarity=np.sum(features * looked_for, axis=1),
    )


class Anchors:
    """What counts as nothing and as everything when content and domain are put together."""

    def __init__(self, seen: dict[str, Seen], real_target: np.ndarray):
        self._no_content = seen["random target"].found
        self._all_content = seen.get("ground truth", seen["identity"]).found
        self._no_domain = seen["identity"].says_target
        self._all_domain = real_target.astype(np.float64)

    def completeness(self, seen: Seen, *, resamples: int, seed: int) -> Measured:
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

    def harmonic(self, seen: Seen) -> float:
        """Harmonic mean of both normalised halves; NaN where a judge cannot tell."""
        every, targets = np.arange(len(seen.found)), np.arange(len(self._all_domain))
        return float(self._harmonic(seen, every[None], targets[None])[0])

    def _harmonic(self, seen: Seen, draws: np.ndarray, target_draws: np.ndarray) -> np.ndarray:
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
