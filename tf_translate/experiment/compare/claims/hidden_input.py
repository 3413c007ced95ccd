"""Claim 7: a cycle can hide its input."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tf_translate.experiment.compare.claims.intervals import LEVEL, RESAMPLES, Interval
from tf_translate.experiment.compare.claims.verdict import (
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    Claim,
    Finding,
    not_measured,
)
from tf_translate.experiment.compare.cycle_noise import NOISES, ROUNDING, noise_name

RATIO = 2.0
NOISE = NOISES[1]
HIDDEN = Claim(
    7,
    "A cycle can hide its input in values that nobody sees.",
    "Trained runs with a cycle: Gaussian noise of standard deviation 0.03 (pixels in [-1, 1], 4 of "
    "255 levels) between the two translations, and the same noise on real images of that domain.",
    "Mean change of the second translation by noise on translated images, over that by noise on "
    "real ones, in the cycle whose interval is highest; bootstrap interval over images, at a level "
    "of 1 - 0.05 / (number of cycles).",
    "supported if the interval of at least one cycle is above 2; not supported if those of all "
    "cycles are below 2",
)


def hidden(runs: Sequence[Mapping[str, Any]]) -> Finding:
    """Claim 7, from the results of `cycle_noise`."""
    cycles = {
        f"{run['run']} {direction}": (run, found)
        for run in runs
        for direction, found in run["directions"].items()
    }
    if not cycles:
        return not_measured(
            HIDDEN,
            "no run has a measured cycle",
            "tf-translate compare run glasses --methods cyclegan,dualgan,discogan --keep-weights",
            "tf-translate compare cycle-noise runs/compare/glasses/cyclegan-0",
        )
    level = 1 - (1 - LEVEL) / len(cycles)
    rows = {
        name: _row(run, found, level=level, seed=position)
        for position, (name, (run, found)) in enumerate(cycles.items())
    }
    intervals = [row["interval"] for row in rows.values()]
    if any(low > RATIO for low, _ in intervals):
        verdict = SUPPORTED
    else:
        verdict = NOT_SUPPORTED if all(high < RATIO for _, high in intervals) else UNDECIDED
    largest = max(rows.values(), key=lambda row: row["interval"][0])
    return Finding(
        HIDDEN,
        verdict,
        largest["ratio"],
        largest["interval"],
        RATIO,
        {"cycles": rows, "level": level},
        [
            f"{name}: noise costs {row['ratio']:.2f} times what it costs real images"
            for name, row in rows.items()
            if row["interval"][1] < RATIO
        ],
        list(_depends_on(runs, rows.values())),
    )


def _depends_on(
    runs: Sequence[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    images = sorted({count for run in runs for count in run["images"].values()})
    names = ", ".join(sorted(f"{run['method']}-{run['seed']}" for run in runs))
    yield (f"measured in {names}: {' or '.join(map(str, images))} images of each domain")
    if lost := [row["lost_by_rounding"] for row in rows if row["lost_by_rounding"] is not None]:
        yield (
            "rounding the images between the two translations to 8 bits, as a file would, destroys "
            f"{max(0.0, *lost):.3%} of a reconstruction or less"
        )


def _row(run: Mapping[str, Any], found: Mapping[str, Any], *, level: float, seed: int) -> dict:
    at_noise = found[noise_name(NOISE)]
    generated, real = np.asarray(at_noise["generated"]), np.asarray(at_noise["real"])
    return {
        "method": run["method"],
        "ratio": float(generated.mean() / max(real.mean(), 1e-12)),
        "interval": ratio_interval(generated, real, level=level, seed=seed),
        "lost": at_noise["lost"],
        "lost_by_rounding": found[ROUNDING]["lost"],
    }


def ratio_interval(
    values: np.ndarray, others: np.ndarray, *, level: float = LEVEL, seed: int = 0
) -> Interval:
    """The bootstrap interval of the ratio of two means, of images that are drawn again."""
    random = np.random.default_rng(seed)
    means = [
        each[random.integers(0, len(each), (RESAMPLES, len(each)))].mean(1)
        for each in (values, others)
    ]
    ratios = means[0] / np.maximum(means[1], 1e-12)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
