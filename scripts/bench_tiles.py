"""Seams of tiles by the kind of norms: `translate --tiles` against the whole picture in Keras.

Live norms see a tile each, given ones get the statistics of the whole picture as inputs
(`export --norm-inputs`), frozen ones those of a calibration set.

python scripts/bench_tiles.py RUN FOLDER [--signature a_to_b] [--size 2048 1536]

RUN is a run of a method with an instance-norm generator (a bundle has one size and cannot take
the whole picture). FOLDER gets the bundles, the picture of four of scikit-image's photographs,
every translation, ablation.json and ablation.png. To publish:
python scripts/publish_result.py --ablation FOLDER tiles
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tf_translate.cli.show import load_tensorflow
from tf_translate.images import read, resize, to_float, to_uint8, write

PHOTOGRAPHS = ("coffee", "chelsea", "rocket", "astronaut")
NORMS = ("live", "given", "frozen")
WHOLE = {"live": "live", "given": "live", "frozen": "frozen"}  # whose whole picture is the aim
_PEAK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
CROP = 160  # pixels a side of the places that are shown


def prepare(run: Path, folder: Path, signature: str, size: tuple[int, int]) -> None:
    """Writes the picture, a bundle for each kind of norms and networks for any size."""
    import keras

    import exporters
    from tf_translate.experiment.calibration import calibration_inputs
    from tf_translate.experiment.facts import source_of
    from tf_translate.experiment.frozen_norm import freeze_norms
    from tf_translate.experiment.norm_inputs import norm_input_signatures
    from tf_translate.experiment.trained import golden_images, load_trained

    write(folder / "picture.png", _picture(size))
    trained = load_trained(run)
    translator, source = trained.translator, source_of(trained)
    for norms in NORMS:
        if norms == "frozen":
            inputs = calibration_inputs(trained, None, exporters.pick)
            source["frozen_norm"] = freeze_norms(translator, inputs, golden_images(trained, 32))
            print(source["frozen_norm"])
        chosen = {signature: translator.signatures()[signature]}
        if norms == "given":
            more = norm_input_signatures(translator).items()
            chosen |= {name: each for name, each in more if name.startswith(f"{signature}_")}
        exporters.export(chosen, folder / norms, source=source)
        if norms not in WHOLE.values():
            continue
        network = _network(translator, signature)
        sides = keras.Input((None, None, network.input_shape[-1]))
        free = keras.models.clone_model(network, input_tensors=sides)
        free.set_weights(network.get_weights())
        free.save(folder / f"{norms}.keras")


def translate_whole(network: Path, picture: Path, output: Path) -> None:
    """Runs a network of free sides on a whole picture."""
    import keras
    import tensorflow as tf

    import tf_translate.methods.cyclegan  # noqa: F401  registers the layers

    model = keras.models.load_model(network)
    run = tf.function(lambda images: model(images, training=False), autograph=False)
    write(output, to_uint8(run(to_float(read(picture))[None]).numpy()[0]))


def compare(folder: Path, signature: str, command: str) -> None:
    """Translates by every way in a process of its own, measures and writes the result."""
    from ablation import save

    import exporters
    from exporters.tiles import borders

    record = exporters.open_bundle(folder / "live").manifest.signatures[signature]
    tile = record.inputs[0].shape[1:3]
    picture = folder / "picture.png"
    pictures, costs = {}, {}
    overlaps = {f"overlap {side}": side for side in (0, min(tile) // 4, min(tile) // 2)}
    for norms in NORMS:
        if norms in WHOLE.values():
            name, output = f"{norms}, whole in Keras", folder / f"{norms}_whole.png"
            arguments = ["whole", folder / f"{norms}.keras", picture, output]
            costs[name] = _measured([sys.executable, __file__, *arguments])
            pictures[name] = read(output)
        for kind, overlap in overlaps.items():
            name, place = f"{norms}, {kind}", folder / f"{norms}_{overlap}"
            shutil.rmtree(place, ignore_errors=True)  # of an earlier run of this script
            options = ["--output", place, "--tiles", "--overlap", overlap]
            costs[name] = _measured(
                ["tf-translate", "translate", folder / norms, picture, *options]
            )
            pictures[name] = read(place / picture.name)
    rows = {}
    for name, image in pictures.items():
        kind = name.split(", ")[1]
        own = pictures[_whole_of(name)]
        places = [
            borders(side, part, overlaps.get(kind, 0))
            for side, part in zip(image.shape[:2], tile, strict=True)
        ]
        rows[name] = _figures(image, own, pictures["live, whole in Keras"], places) | costs[name]
        print(name, rows[name], flush=True)
    save(folder, command, rows, _crops({"picture": read(picture), **pictures}))


def _whole_of(name: str) -> str:
    """The way that gives the whole picture which a way by tiles aims at."""
    return f"{WHOLE.get(name.split(', ')[0])}, whole in Keras"


def _figures(image, own, live, places) -> dict[str, float | None]:
    from tf_translate.evaluation.pixel import psnr
    from tf_translate.evaluation.seams import seam_ratio, tint_step

    def against(other: np.ndarray) -> float | None:
        equal = np.array_equal(image, other)
        return None if equal else float(psnr(to_float(image)[None], to_float(other)[None])[0])

    return {
        "seam ratio": seam_ratio(image, own, places),
        "tint step (of 255)": tint_step(image, own, places),
        "PSNR to own whole": against(own),
        "PSNR to live whole": against(live),
    }


def _measured(command: list) -> dict[str, float]:
    """Seconds of a process from start to end, and the most memory it had."""
    began = time.monotonic()
    # A child counts what its parent had when it began, so a small process stands between.
    outer = [sys.executable, "-c", _PEAK, *map(str, command)]
    done = subprocess.run(outer, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - began
    return {"seconds": seconds, "peak MB": int(done.stdout.split()[-1]) / 1024}


def _crops(pictures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where each way by tiles is furthest from its own whole picture, one row for each."""
    tops_and_lefts = []
    for name, image in pictures.items():
        own = pictures.get(_whole_of(name))
        if own is not None and own is not image:
            apart = np.abs(image.astype(float) - own).mean(-1)
            rows, columns = (side // CROP for side in apart.shape)
            cells = apart[: rows * CROP, : columns * CROP].reshape(rows, CROP, columns, CROP)
            top, left = np.unravel_index(cells.mean((1, 3)).argmax(), (rows, columns))
            tops_and_lefts.append((top * CROP, left * CROP))
    shown = dict.fromkeys(tops_and_lefts)
    return {
        name.replace(" in Keras", ""): to_float(
            np.stack([image[top : top + CROP, left : left + CROP] for top, left in shown])
        )
        for name, image in pictures.items()
    }


def _picture(size: tuple[int, int]) -> np.ndarray:
    """Four photographs, each cut to the shape of a quarter and enlarged to it."""
    from skimage import data

    width, height = size[0] // 2, size[1] // 2
    quarters = []
    for name in PHOTOGRAPHS:
        photograph = getattr(data, name)()[..., :3]
        scale = min(photograph.shape[0] / height, photograph.shape[1] / width)
        rows, columns = int(height * scale), int(width * scale)
        top, left = (photograph.shape[0] - rows) // 2, (photograph.shape[1] - columns) // 2
        quarters.append(
            resize(photograph[top : top + rows, left : left + columns], (height, width))
        )
    return np.concatenate([np.concatenate(quarters[:2], 1), np.concatenate(quarters[2:], 1)])


def _network(translator, signature: str):
    name = {"a_to_b": "generator_ab", "b_to_a": "generator_ba"}.get(signature, "")
    network = getattr(translator, name, None) or getattr(translator, "generator", None)
    if network is None:
        raise SystemExit(f"{type(translator).__name__} has no generator of {signature}")
    return network


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_tiles.py")
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path, help="must be new or empty")
    parser.add_argument("--signature", default="a_to_b")
    parser.add_argument("--size", type=int, nargs=2, default=(2048, 1536), metavar="PIXELS")
    return parser.parse_args()


if __name__ == "__main__":
    load_tensorflow()
    if sys.argv[1:2] == ["whole"]:
        translate_whole(*map(Path, sys.argv[2:]))
    else:
        given = _arguments()
        if not (given.folder / "frozen.keras").exists():
            prepare(given.run, given.folder, given.signature, tuple(given.size))
        asked = f"scripts/bench_tiles.py RUN FOLDER --signature {given.signature}"
        asked += f" --size {given.size[0]} {given.size[1]}"
        compare(given.folder, given.signature, asked)
