"""Are the latents of IcGAN's and Age-cGAN's encoders too small for their generators?

python -m scripts.ablations.latent_scale RUN DIRECTION SCALE...     such as add_glasses 1 1.2 1.4

RUN is a trained and evaluated run of either method. Its generator learned from latents of standard
deviation 1. The encoder is fitted by squared error, so where it does not know a latent it predicts
the mean, 0: its latents are too small. Edits each held-out image through its latent times SCALE,
and measures the edits with the run's judges. Beside them stand images of random latents with the
edited attributes, which is what the generator was trained for: their kernel distance is that of the
generator alone. Writes ablation.json and ablation.png into the current folder.
"""

import sys
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.evaluation.judges.judges import train_judges
from tf_translate.evaluation.metrics.evaluate_direction import evaluate_direction
from tf_translate.experiment.eval_sets.attribute_edits import Editor, edits
from tf_translate.experiment.judge_settings import judge_settings
from tf_translate.experiment.load_run import TrainedRun, load_run

BATCH = 64
SHOWN = 8
METRICS = (
    "content/retrieval@1",
    "content/margin",
    "content/l1_outside_edit",
    "domain/accuracy",
    "domain/kid/judge@64",
    "completeness",
)


def latents_of(trained: TrainedRun, images: np.ndarray) -> np.ndarray:
    """Latents of images by the encoder."""
    encode = trained.translator.signatures()["encode"].function
    parts = [encode(image=images[i : i + BATCH])["latent"] for i in range(0, len(images), BATCH)]
    return np.concatenate([np.asarray(part) for part in parts])


def decoded(trained: TrainedRun, latents: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Images of latents and attributes by the generator."""
    decode = trained.translator.signatures()["decode"].function
    parts = [
        decode(latent=latents[i : i + BATCH], attributes=attributes[i : i + BATCH])["image"]
        for i in range(0, len(latents), BATCH)
    ]
    return np.concatenate([np.asarray(part) for part in parts])


def editors(trained: TrainedRun, scales: list[float]) -> dict[str, Editor]:
    """The editor of each row of the table."""

    def scaled(scale: float) -> Editor:
        def edit(images, present, attributes):
            return decoded(trained, scale * latents_of(trained, images), attributes)

        return edit

    def of_random_latents(images, present, attributes):
        shape = (len(images), latents_of(trained, images[:1]).shape[1])
        random = np.random.default_rng(ablation.SEED)
        return decoded(trained, random.standard_normal(shape, np.float32), attributes)

    found = {f"latent times {scale:g}": scaled(scale) for scale in scales}
    return found | {"random latents": of_random_latents}


def main(path: Path, name: str, scales: list[float], command: str) -> None:
    """Measures every scale and writes the table and images."""
    trained = load_run(path)
    settings = trained.config.evaluation
    rows: dict[str, dict[str, float]] = {}
    columns: dict[str, np.ndarray] = {}
    limits = {"limit": settings.images, "training_limit": settings.judge_images}
    for title, edit in editors(trained, scales).items():
        (direction,) = edits(trained.data, edit, split="test", names=[name], **limits)
        judges = train_judges(
            *direction.training_images(),
            folder=path / "evaluation" / "judges",
            settings=judge_settings(settings),
            report=print,
        )
        found = evaluate_direction(direction, judges, split="test", seed=settings.seed)
        rows[title] = {metric: found.value("output", metric) for metric in METRICS}
        columns.setdefault("input", direction.source[:SHOWN])
        columns[title] = direction.outputs[:SHOWN]
        print(title, rows[title], flush=True)
    columns["truth"] = direction.truth[:SHOWN]
    size = float(np.sqrt((latents_of(trained, direction.source) ** 2).mean()))
    print(f"root mean square of the latents: {size:.3f}")
    ablation.save(Path(), command, rows, columns, root_mean_square_of_latents=size)


if __name__ == "__main__":
    run, wanted, *factors = sys.argv[1:]
    main(
        Path(run),
        wanted,
        list(map(float, factors)),
        " ".join(["python -m scripts.ablations.latent_scale", *sys.argv[1:]]),
    )
