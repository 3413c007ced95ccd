"""Does any loss of DiscoGAN see how bright a translation is?

python -m scripts.ablations.discogan_brightness NAME=RUN...

RUN is a trained and evaluated run of DiscoGAN on images with a white background, such as people of
the task `glasses`. The networks have no biases and no normalization before the first layer, and
batch norm takes the mean and scale of each batch away. So in training, D(g x) = D(x) and
G(g x) = G(x) for any brightness g, and a translation that is too dark costs nothing.

1. Measures this: images times 0.87, by each network as in training.
2. Divides the run's held-out translations by the brightness of their background where the input is
   white, one number for all images, and measures them again with the run's judges.

Writes ablation.json and ablation.png into the current folder.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
from rich.console import Console

from scripts.ablations import table as ablation
from tf_translate.evaluation.judges.judges import train_judges
from tf_translate.evaluation.metrics.evaluate_direction import evaluate_direction
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.eval_sets.directions import directions
from tf_translate.experiment.judge_settings import judge_settings
from tf_translate.experiment.load_run import TrainedRun, load_run

DARKER = 0.87
WHITE = 0.999  # in [-1, 1]
SHOWN = 8
METRICS = (
    "content/retrieval@1",
    "content/l1_inside_edit",
    "domain/accuracy",
    "domain/kid/judge@64",
    "completeness",
)


def scaled(images: np.ndarray, factor: float) -> np.ndarray:
    """Images in [-1, 1] whose values in [0, 1] are multiplied."""
    return np.clip((images + 1.0) * factor, 0.0, 2.0) - 1.0


def background_of(direction: Direction) -> float:
    """Mean of the translations, in [0, 1], where the input is white."""
    white = (direction.source > WHITE).all(-1)
    return float((direction.outputs[white].mean() + 1.0) / 2.0)


def change_when_darker(trained: TrainedRun, images: np.ndarray) -> dict[str, float]:
    """How much each network's output changes if its input gets darker, as in training.

    Returns:
        Mean absolute change, as a fraction of the standard deviation of the output.
    """
    networks = {
        "generator": trained.translator.generator_ab,
        "discriminator": trained.translator.discriminator_a,
    }
    changes = {}
    for name, network in networks.items():
        before, after = (
            np.asarray(first(network(each, training=True)))
            for each in (images, scaled(images, DARKER))
        )
        changes[name] = float(np.abs(after - before).mean() / before.std())
    return changes


def first(outputs):
    """The output of a network, or the first of several."""
    return outputs[0] if isinstance(outputs, list | tuple) else outputs


def main(runs: dict[str, Path], command: str) -> None:
    """Measures every run and writes the table and images."""
    rows: dict[str, dict[str, float]] = {}
    columns: dict[str, np.ndarray] = {}
    changes: dict[str, dict[str, float]] = {}
    seeds: dict[str, int] = {}
    for name, path in runs.items():
        trained = load_run(path)
        settings = trained.config.evaluation
        (direction,) = directions(
            trained.config,
            trained.data,
            trained.translator,
            split="test",
            limit=settings.images,
            training_limit=settings.judge_images,
            names=["a_to_b"],
        )
        judges = train_judges(
            *direction.training_images(),
            folder=path / "evaluation" / "judges",
            settings=judge_settings(settings),
            report=Console(stderr=True).print,
        )
        background = background_of(direction)
        brighter = dataclasses.replace(direction, outputs=scaled(direction.outputs, 1 / background))
        for title, each in ((name, direction), (f"{name}, white", brighter)):
            found = evaluate_direction(each, judges, split="test", seed=settings.seed)
            rows[title] = {
                "background": background_of(each),
                **{metric: found.value("output", metric) for metric in METRICS},
            }
            columns.setdefault("input", direction.source[:SHOWN])
            columns[title] = each.outputs[:SHOWN]
            print(title, rows[title], flush=True)
        changes[name] = change_when_darker(trained, direction.source[:64])
        seeds[name] = trained.config.training.seed
        print(f"change when darker: {changes[name]}")
        truth = direction.truth[:SHOWN]
    columns["truth"] = truth
    ablation.save(Path(), command, rows, columns, seeds=seeds, change_when_darker=changes)


if __name__ == "__main__":
    main(
        {name: Path(run) for name, run in (word.split("=", 1) for word in sys.argv[1:])},
        " ".join(["python -m scripts.ablations.discogan_brightness", *sys.argv[1:]]),
    )
