"""Age-cGAN's ablation: how much of a person's identity does each search for z preserve?

python -m scripts.ablations.age_cgan RUN [PEOPLE] [--identity-embedder FILE.keras]
                                     [--judge FILE.keras]

RUN is a trained Age-cGAN of one attribute with ordered levels. One image of each of PEOPLE
held-out people (32) is encoded. Each objective then searches for z, and each result is decoded at
all levels. Judges that share nothing with the identity embedder decide level and person.
`--identity-embedder` replaces the embedder of the run. `--judge` replaces the judge of persons,
which is otherwise trained on the images of the run. `tf-translate train-identity-embedder` trains
both. Writes ablation.json, ablation.png and levels.png into RUN/ablation.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.data.attribute_dataset import AttributeDataset
from tf_translate.evaluation.judges.judges import JudgeSettings, retrieval_hits, train_judges
from tf_translate.evaluation.judges.label_judge import LabelJudge, train_label_judge
from tf_translate.experiment.dataset import held_out_split
from tf_translate.experiment.load_run import load_run
from tf_translate.images import grid, write
from tf_translate.methods.age_cgan import AgeCGAN
from tf_translate.networks.identity_embedder import read_identity_embedder
from tf_translate.pretrained.registry import load_pretrained

# By row: objective and optimization method; None uses the latent of the encoder.
VARIANTS = {
    "encoder only": None,
    "pixelwise": ("pixelwise", "lbfgs"),
    "identity-preserving": ("identity", "lbfgs"),
    "mixed": ("mixed", "lbfgs"),
    "identity, steps in the graph": ("identity", "unrolled"),
    "mixed, steps in the graph": ("mixed", "unrolled"),
}
SHOWN, SLIDERS = 8, 6
MAX_IMAGES = 2000  # training images for the judges


@dataclass(frozen=True)
class People:
    """Held-out people, one image of each.

    Attributes:
        images: Float32 `(n, h, w, c)` in [-1, 1].
        levels: Level of each image, `(n,)`.
        gallery: For each level, the images in which each person should be found, in order.
    """

    images: np.ndarray
    levels: np.ndarray
    gallery: list[np.ndarray]


@dataclass(frozen=True)
class Judges:
    """Two judges that are independent of the identity embedder.

    Attributes:
        level: Predicts the level.
        person: From images to unit feature vectors, which are close for images of one person.
    """

    level: LabelJudge
    person: Callable[[np.ndarray], np.ndarray]


def main(options: argparse.Namespace) -> None:
    """Searches for every person with every objective; writes the table and the images."""
    trained = load_run(options.run)
    model, data, folder = trained.translator, trained.data, options.run / "ablation"
    if options.identity_embedder:
        model.identity_embedder = read_identity_embedder(options.identity_embedder, data.shape)
    levels = _levels(data)
    folder.mkdir(exist_ok=True)
    people = _people(data, options.people)
    judges = _judges(data, folder / "judges", options.judge)
    unchanged = [people.images] * len(levels)
    no_search = {"root mean square of z": None, "seconds per image": None}
    rows = {"unchanged input": measure(unchanged, people, judges) | no_search}
    columns = {"input": people.images[:SHOWN]}
    for name, variant in VARIANTS.items():
        start = time.perf_counter()
        latents = _latents(model, people, variant)
        seconds = (time.perf_counter() - start) / len(people.images)
        decoded = [_decode(model, latents, level) for level in range(len(levels))]
        rows[name] = {
            **measure(decoded, people, judges),
            "root mean square of z": float(np.sqrt(np.mean(np.square(latents)))),  # 1 in training
            "seconds per image": seconds,
        }
        columns[name] = _at_true_level(decoded, people)[:SHOWN]
        print(name, rows[name], flush=True)
        ablation.save(folder, _command(options), rows, columns)
        if name == "identity-preserving":
            sliders = [people.images[:SLIDERS], *(images[:SLIDERS] for images in decoded)]
            write(folder / "levels.png", grid(sliders, titles=["input", *levels], scale=2))


def measure(decoded: list[np.ndarray], people: People, judges: Judges) -> dict[str, float]:
    """Metrics of images decoded at each level: at the true level of a person, and at others."""
    hits_by_level, predictions = [], []
    for images, gallery in zip(decoded, people.gallery, strict=True):
        hits_by_level.append(retrieval_hits(judges.person(images), judges.person(gallery)))
        predictions.append(judges.level.predict(images))
    levels = np.arange(len(decoded))[:, None]
    hits, errors = np.array(hits_by_level), np.array(predictions) - levels
    true_level = levels == people.levels
    parts = {"reconstruction": true_level, "translation": ~true_level}
    return {
        f"{part}: {name}": float(values[where].mean())
        for part, where in parts.items()
        for name, values in (
            ("identity retrieval@1", hits),
            ("level accuracy", errors == 0),
            ("level error", np.abs(errors)),
        )
    }


def _levels(data: AttributeDataset) -> list[str]:
    definitions = data.attributes.definitions
    if len(definitions) != 1 or len(definitions[0].values) < 3:
        raise SystemExit(
            "the ablation needs one attribute of three or more levels, the run has "
            f"{', '.join(f'{one.name} of {len(one.values)}' for one in definitions)}"
        )
    return list(definitions[0].values)


def _people(data: AttributeDataset, count: int) -> People:
    """One image of each person, at varying levels.

    With a group column that names people, the gallery of a level holds the images of all people at
    that level. Without one, every gallery holds the input images.
    """
    split = held_out_split(data)
    levels, names = data.values(split).argmax(1), data.groups(split)
    all_levels = range(data.values(split).shape[1])
    rows = (
        {} if names is None else {pair: i for i, pair in enumerate(zip(names, levels, strict=True))}
    )
    complete = [
        name
        for name in dict.fromkeys(names or ())
        if all((name, level) in rows for level in all_levels)
    ]
    if complete:
        people = complete[:count]
        inputs = [rows[name, i % len(all_levels)] for i, name in enumerate(people)]
        gallery = [
            data.images(split, at=[rows[name, level] for name in people]) for level in all_levels
        ]
    else:
        inputs = np.linspace(0, len(levels) - 1, min(count, len(levels))).round().astype(int)
        gallery = [data.images(split, at=inputs)] * len(all_levels)
    return People(data.images(split, at=inputs), levels[inputs], gallery)


def _judges(data: AttributeDataset, folder: Path, person_judge: str | None) -> Judges:
    values = data.values("train")
    rows = np.linspace(0, len(values) - 1, min(MAX_IMAGES, len(values))).round().astype(int)
    images, levels = data.images("train", at=rows), values[rows].argmax(1)
    classes = data.attributes.definitions[0].values
    level = train_label_judge(images, levels, classes, folder=folder)
    if person_judge:
        network = load_pretrained(person_judge)
        return Judges(level, lambda images: _unit(network.embed(images)))
    halves = images[: len(images) // 2], images[len(images) // 2 :]
    # The call also trains a domain judge, which is not used here.
    settings = JudgeSettings(domain_steps=1, content_steps=200)
    return Judges(level, train_judges(*halves, folder=folder, settings=settings).content.features)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def _latents(model: AgeCGAN, people: People, variant: tuple[str, str] | None) -> np.ndarray:
    attributes = _one_hot(people.levels, len(model.columns))
    if variant is None:
        return np.asarray(model.encoder(people.images, training=False))
    objective, method = variant
    _, result = model.preserve(
        people.images, attributes, attributes, objective=objective, method=method
    )
    return result.latents


def _decode(model: AgeCGAN, latents: np.ndarray, level: int) -> np.ndarray:
    attributes = _one_hot(np.full(len(latents), level), len(model.columns))
    return np.asarray(model.decode(latents, attributes)["image"])


def _at_true_level(decoded: list[np.ndarray], people: People) -> np.ndarray:
    return np.stack([decoded[level][i] for i, level in enumerate(people.levels)])


def _one_hot(levels: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[levels]


def _command(options: argparse.Namespace) -> str:
    files = {"--identity-embedder": options.identity_embedder, "--judge": options.judge}
    given = [f"{name} {Path(file).name}" for name, file in files.items() if file]
    command = ["python -m scripts.ablations.age_cgan RUN", str(options.people), *given]
    return " ".join(command)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("people", type=int, nargs="?", default=32)
    parser.add_argument("--identity-embedder", metavar="FILE.keras")
    parser.add_argument("--judge", metavar="FILE.keras")
    main(parser.parse_args())
