"""Whether a cycle hides its input: noise between the two translations of a trained run.

An image is translated to the other domain and back. Noise, or rounding to 8 bits, disturbs the
image between. Its cost is how much the second translation changes. The same noise on real images
of that domain is the comparison: if it costs much more on translated images, they carry what the
way back needs in values that nobody sees.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from tf_translate.atomic_files import write_text_atomically
from tf_translate.data.domain_dataset import DomainDataset
from tf_translate.errors import RunError
from tf_translate.experiment.compare.cells.read_cell import Finite
from tf_translate.experiment.dataset import held_out_split
from tf_translate.experiment.eval_sets.directions import translate
from tf_translate.experiment.load_run import TrainedRun

FILE = "cycle_noise.json"  # in a run
ROUNDING = "rounding"
NOISES = (0.01, 0.03, 0.1)  # standard deviations; pixels are in [-1, 1]
METHODS = ("cyclegan", "dualgan", "discogan")  # those whose two translations are a cycle
_SIDES = {"a_to_b": ("a", "b", "b_to_a"), "b_to_a": ("b", "a", "a_to_b")}
Translate = Callable[[np.ndarray], np.ndarray]


def measure_run(trained: TrainedRun, *, limit: int = 256, seed: int = 0) -> dict[str, Any]:
    """Measures both cycles of a run on held-out images, and writes `cycle_noise.json` into it.

    Args:
        trained: The run, of a method with a cycle.
        limit: Largest number of images of each domain.
        seed: Seed of the noise.

    Returns:
        JSON values: `run`, `method`, `seed`, `images`, `directions` by name, see `measure`.

    Raises:
        RunError: If its method has no cycle.
    """
    method, data = trained.config.method, trained.data
    if method not in METHODS or not isinstance(data, DomainDataset):
        raise RunError(
            f"{trained.run.path} is a run of {method}, which has no cycle; give one of "
            f"{', '.join(METHODS)}"
        )
    arrays = data.arrays(held_out_split(data), limit=limit)
    images = dict(zip("ab", arrays, strict=True))

    def translation(direction: str) -> Translate:
        source, other, _ = _SIDES[direction]

        def run(batch: np.ndarray) -> np.ndarray:
            return translate(trained.translator, direction, {source: batch, other: images[other]})

        return run

    known = [name for name in _SIDES if trained.translator.directions[name] in _deployed(trained)]
    found = {
        name: measure(
            images[_SIDES[name][0]],
            images[_SIDES[name][1]],
            translation(name),
            translation(_SIDES[name][2]),
            seed=seed,
        )
        for name in known
        if len(known) == len(_SIDES)
    }
    if not found:
        raise RunError(f"{trained.run.path} translates one way only, so it has no cycle")
    results = {
        "run": str(trained.run.path),
        "method": method,
        "seed": trained.config.training.seed,
        "images": {side: len(each) for side, each in images.items()},
        "directions": found,
    }
    text = json.dumps(results, indent=1, allow_nan=False) + "\n"
    write_text_atomically(trained.run.path / FILE, text)
    return results


def _deployed(trained: TrainedRun) -> tuple[str, ...]:
    return tuple(trained.translator.signatures())


def measure(
    source: np.ndarray,
    target: np.ndarray,
    forward: Translate,
    back: Translate,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Measures one cycle, from the source domain and back.

    Args:
        source, target: Real images of both domains, float32 `(n, h, w, c)` in [-1, 1].
        forward, back: The two translations.
        seed: Seed of the noise.

    Returns:
        JSON values: `reconstruction`, mean absolute error of the undisturbed cycle, and
        `unrelated`, that of real target images translated back, which know nothing of the source;
        by noise ("noise 0.03", "rounding") `generated` and `real`, the cost for each image, and
        `lost`, the fraction of the reconstruction that it destroys: 1 leaves `unrelated`.
    """
    random = np.random.default_rng(seed)
    between = forward(source)
    reconstructed, of_real = back(between), back(target)
    error = _distance(reconstructed, source)
    # Target i may be the truth of source i, so each source is compared with the one before.
    other = np.resize(np.roll(np.arange(len(target)), 1), len(source))
    unrelated = float(_distance(of_real[other], source).mean())
    found: dict[str, Any] = {"reconstruction": float(error.mean()), "unrelated": unrelated}
    for name, disturb in _disturbances(random):
        disturbed, real = back(disturb(between)), back(disturb(target))
        possible = unrelated - float(error.mean())
        lost = float((_distance(disturbed, source) - error).mean())
        found[name] = {
            "generated": _distance(disturbed, reconstructed).tolist(),
            "real": _distance(real, of_real).tolist(),
            "lost": lost / possible if possible > 0 else None,
        }
    return found


def noise_name(standard_deviation: float) -> str:
    """The name of a noise in the results."""
    return f"noise {standard_deviation:g}"


def _disturbances(random: np.random.Generator):
    def noise(standard_deviation: float) -> Translate:
        def disturb(images: np.ndarray) -> np.ndarray:
            # Not clipped: real images have more values of exactly -1 and 1 than translated ones,
            # and would lose more of the noise.
            added = standard_deviation * random.standard_normal(images.shape)
            return (images + added).astype(np.float32)

        return disturb

    yield from ((noise_name(each), noise(each)) for each in NOISES)
    yield ROUNDING, _rounded


def _rounded(images: np.ndarray) -> np.ndarray:
    """Images as a file of 8 bits keeps them."""
    return (np.rint((images + 1) * 127.5) / 127.5 - 1).astype(np.float32)


def _distance(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.abs(images - others).mean((1, 2, 3), dtype=np.float64)


class _Cost(BaseModel):
    generated: list[Finite] = Field(min_length=1)
    real: list[Finite] = Field(min_length=1)
    lost: Finite | None


class _Results(BaseModel):
    method: str
    directions: dict[str, dict[str, _Cost | Finite]]


def read_all(folder: Path) -> list[dict[str, Any]]:
    """The results of all runs in a folder; `run` is the folder of each, relative to it.

    Raises:
        RunError: If a file is broken.
    """
    found = []
    for file in sorted(folder.glob(f"**/{FILE}")):
        try:
            results = json.loads(file.read_text("utf-8"))
            checked = _Results.model_validate(results)
            for name, costs in checked.directions.items():
                for each in (noise_name(NOISES[1]), ROUNDING):
                    if not isinstance(costs.get(each), _Cost):
                        raise ValueError(f"{name} has no costs of {each}")
        except (OSError, ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())
            raise RunError(
                f"{file} is broken: {reason}; delete it and measure the run again with "
                f"`tf-translate compare cycle-noise {file.parent}`"
            ) from error
        run = file.parent.relative_to(folder).as_posix()
        found.append({**results, "run": file.parent.name if run == "." else run})
    return found
