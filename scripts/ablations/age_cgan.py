"""Age-cGAN's ablation: what does each way of looking for z keep of the person?

python scripts/ablations/age_cgan.py RUN [PEOPLE] [--identity embedder FILE.keras] [--judge FILE.keras]

RUN is a trained Age-cGAN of one attribute of ordered levels. Each of PEOPLE held-out people (32)
is shown once, encoded, looked for by each objective, and drawn at all levels. Judges that have
nothing in common with the identity embedder say which level they see and who it is. `--identity_embedder` takes
the place of the run's own, `--judge` that of who says who it is, which else learns from the
images of the run; see train_identity_embedder.py for both. Writes RUN/ablation/ablation.json,
ablation.png and levels.png.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.ablations import table as ablation
from tf_translate.data.attribute_dataset import LabelledData
from tf_translate.evaluation.judges.judges import JudgeSettings, retrieved, train_judges
from tf_translate.evaluation.judges.label_judge import LabelJudge, train_label_judge
from tf_translate.experiment.dataset import held_out
from tf_translate.experiment.load_run import load_trained
from tf_translate.images import grid, write
from tf_translate.methods.age_cgan import AgeCGAN
from tf_translate.networks.identity_embedder import read_identity_embedder
from tf_translate.pretrained.registry import load_features

# Row: objective and way down; None for the encoder alone.
VARIANTS = {
    "encoder alone": None,
    "pixelwise": ("pixelwise", "lbfgs"),
    "identity-preserving": ("identity", "lbfgs"),
    "mixed": ("mixed", "lbfgs"),
    "identity, steps in the graph": ("identity", "unrolled"),
    "mixed, steps in the graph": ("mixed", "unrolled"),
}
SHOWN, SLIDERS = 8, 6
IMAGES = 2000  # most training images for the judges


@dataclass(frozen=True)
class People:
    """Held-out people, one image of each.

    Attributes:
        images: Float32 `(n, h, w, c)` in [-1, 1].
        levels: Theirs, `(n,)`.
        gallery: For each level the images among which they are to be found, in order.
    """

    images: np.ndarray
    levels: np.ndarray
    gallery: list[np.ndarray]


@dataclass(frozen=True)
class Judges:
    """Neither knows the identity_embedder.

    Attributes:
        level: Says which level it sees.
        person: From images to features, unit vectors, near where the person is the same.
    """

    level: LabelJudge
    person: Callable[[np.ndarray], np.ndarray]


def main(asked: argparse.Namespace) -> None:
    """Looks for everyone by every objective and writes the table and the images."""
    trained = load_trained(asked.run)
    model, data, folder = trained.translator, trained.data, asked.run / "ablation"
    if asked.identity_embedder:
        model.identity_embedder = read_identity_embedder(asked.identity_embedder, data.shape)
    levels = _levels(data)
    folder.mkdir(exist_ok=True)
    people = _people(data, asked.people)
    judges = _judges(data, folder / "judges", asked.judge)
    as_it_is = [people.images] * len(levels)
    unsought = {"root mean square of z": None, "seconds an image": None}
    rows = {"input as it is": measure(as_it_is, people, judges) | unsought}
    columns = {"input": people.images[:SHOWN]}
    for name, chosen in VARIANTS.items():
        begun = time.perf_counter()
        latents = _latents(model, people, chosen)
        seconds = (time.perf_counter() - begun) / len(people.images)
        drawn = [_drawn(model, latents, level) for level in range(len(levels))]
        rows[name] = {
            **measure(drawn, people, judges),
            "root mean square of z": float(np.sqrt(np.mean(np.square(latents)))),  # 1 in training
            "seconds an image": seconds,
        }
        columns[name] = _own(drawn, people)[:SHOWN]
        print(name, rows[name], flush=True)
        ablation.save(folder, _command(asked), rows, columns)
        if name == "identity-preserving":
            sliders = [people.images[:SLIDERS], *(images[:SLIDERS] for images in drawn)]
            write(folder / "levels.png", grid(sliders, titles=["input", *levels], scale=2))


def measure(drawn: list[np.ndarray], people: People, judges: Judges) -> dict[str, float]:
    """Metrics of images drawn at each level: of everyone's own level, and of all others."""
    found, seen = [], []
    for images, gallery in zip(drawn, people.gallery, strict=True):
        found.append(retrieved(judges.person(images), judges.person(gallery)))
        seen.append(judges.level.says(images))
    hits, off = np.array(found), np.array(seen) - np.arange(len(drawn))[:, None]
    own = np.arange(len(drawn))[:, None] == people.levels
    parts = {"reconstruction": own, "translation": ~own}
    return {
        f"{part}: {name}": float(values[where].mean())
        for part, where in parts.items()
        for name, values in (
            ("identity retrieval@1", hits),
            ("level accuracy", off == 0),
            ("level error", np.abs(off)),
        )
    }


def _levels(data: LabelledData) -> list[str]:
    each = data.attributes.each
    if len(each) != 1 or len(each[0].values) < 3:
        raise SystemExit(
            "the ablation needs one attribute of three or more levels, the run has "
            f"{', '.join(f'{one.name} of {len(one.values)}' for one in each)}"
        )
    return list(each[0].values)


def _people(data: LabelledData, count: int) -> People:
    """One image of each person, of changing levels; where twins are known, they are found
    among the images of each level, otherwise among those they were made from.
    """
    split = held_out(data)
    levels, who = data.values(split).argmax(1), data.twins(split)
    every = range(data.values(split).shape[1])
    places = (
        {} if who is None else {pair: i for i, pair in enumerate(zip(who, levels, strict=True))}
    )
    known = [one for one in dict.fromkeys(who or ()) if all((one, at) in places for at in every)]
    if known:
        known = known[:count]
        own = [places[one, i % len(every)] for i, one in enumerate(known)]
        gallery = [data.images(split, at=[places[one, at] for one in known]) for at in every]
    else:
        own = np.linspace(0, len(levels) - 1, min(count, len(levels))).round().astype(int)
        gallery = [data.images(split, at=own)] * len(every)
    return People(data.images(split, at=own), levels[own], gallery)


def _judges(data: LabelledData, folder: Path, given: str | None) -> Judges:
    values = data.values("train")
    places = np.linspace(0, len(values) - 1, min(IMAGES, len(values))).round().astype(int)
    images, levels = data.images("train", at=places), values[places].argmax(1)
    classes = data.attributes.each[0].values
    level = train_label_judge(images, levels, classes, folder=folder)
    if given:
        network = load_features(given)
        return Judges(level, lambda seen: _unit(network.embed(seen)))
    halves = images[: len(images) // 2], images[len(images) // 2 :]
    # The judge of domains, which the same call trains, is of no use here.
    settings = JudgeSettings(domain_steps=1, content_steps=200)
    return Judges(level, train_judges(*halves, folder=folder, settings=settings).content.features)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def _latents(model: AgeCGAN, people: People, chosen: tuple[str, str] | None) -> np.ndarray:
    own = _told(people.levels, len(model.columns))
    if chosen is None:
        return np.asarray(model.encoder(people.images, training=False))
    objective, method = chosen
    _, found = model.preserve(people.images, own, own, objective=objective, method=method)
    return found.latents


def _drawn(model: AgeCGAN, latents: np.ndarray, level: int) -> np.ndarray:
    told = _told(np.full(len(latents), level), len(model.columns))
    return np.asarray(model.decode(latents, told)["image"])


def _own(drawn: list[np.ndarray], people: People) -> np.ndarray:
    return np.stack([drawn[level][i] for i, level in enumerate(people.levels)])


def _told(levels: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[levels]


def _command(asked: argparse.Namespace) -> str:
    given = {"--identity_embedder": asked.identity_embedder, "--judge": asked.judge}
    chosen = [f"{name} {Path(value).name}" for name, value in given.items() if value]
    return " ".join(["scripts/ablations/age_cgan.py RUN", str(asked.people), *chosen])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("people", type=int, nargs="?", default=32)
    parser.add_argument("--identity_embedder", metavar="FILE.keras")
    parser.add_argument("--judge", metavar="FILE.keras")
    main(parser.parse_args())
