"""Seams of tiles by the kind of norms: `translate --tiles` against the whole image in Keras.

Live norms see a tile each, given ones get the statistics of the whole image as inputs
(`export --norm-inputs`), frozen ones those of a calibration set.

python scripts/benchmarks/tiles.py RUN FOLDER [--signature a_to_b] [--size 2048 1536]

RUN is a run of a method with an instance-norm generator (a bundle has one size and cannot take
the whole image). FOLDER gets the bundles, the image of four of scikit-image's photographs,
every translation with what it cost, ablation.json and ablation.png. Stopped, the same command goes
on: what FOLDER holds is not made again. To publish:
python scripts/results/publish.py --ablation FOLDER tiles
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from tf_translate.cli.output import load_tensorflow
from tf_translate.images import grid, read, resize, to_float, to_uint8, write

PHOTOGRAPHS = ("coffee", "chelsea", "rocket", "astronaut")
WHOLE = {"live": "live", "given": "live", "frozen": "frozen"}  # whose whole image is the aim
IMAGE, ASKED = "image.png", "asked.json"
_COST = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
)
CROP = 128  # pixels a side of the places that are shown

Images = dict[str, np.ndarray]  # by the name of the way that made them


@dataclass(frozen=True)
class Way:
    """One way to translate the image: a kind of norms, in tiles or (no overlap) whole."""

    norms: str
    overlap: int | None = None

    @property
    def name(self) -> str:
        kind = "whole in Keras" if self.overlap is None else f"overlap {self.overlap}"
        return f"{self.norms}, {kind}"

    @property
    def aim(self) -> str:
        """Name of the way that gives the whole image which this one should give."""
        return Way(WHOLE[self.norms]).name

    def place(self, folder: Path) -> Path:
        """Folder of its image."""
        return folder / f"{self.norms}_{'whole' if self.overlap is None else self.overlap}"

    def command(self, folder: Path) -> list:
        """What translates the image into its place."""
        image, place = folder / IMAGE, self.place(folder)
        if self.overlap is None:
            network = folder / f"{self.norms}.keras"
            return [sys.executable, __file__, "whole", network, image, place / IMAGE]
        options = ["--output", place, "--tiles", "--overlap", self.overlap]
        return ["tf-translate", "translate", folder / self.norms, image, *options]


def check_same(folder: Path, asked: Mapping) -> None:
    """Notes what FOLDER is made from, or ends if it was begun from something else."""
    note = folder / ASKED
    if note.is_file():
        begun = json.loads(note.read_text())
        if begun != asked:
            _refuse(f"FOLDER must be new: {folder} was begun with {begun}; name another one")
        return
    if folder.is_dir() and any(folder.iterdir()):
        _refuse(f"FOLDER must be new or empty, {folder} holds something else; name another one")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(asked) + "\n")


def prepare(folder: Path, run: Path, signature: str, size: tuple[int, int]) -> None:
    """Writes the image, a bundle for each kind of norms and networks for any size."""
    from tf_translate.experiment.export.provenance import source_of
    from tf_translate.experiment.export.tiled_norm import norm_input_signatures
    from tf_translate.experiment.load_run import load_run

    trained = load_run(run)
    translator, source = trained.translator, source_of(trained)
    network = _network(translator, signature)
    chosen = {signature: translator.signatures()[signature]}
    write(folder / IMAGE, _image(size))
    _keep(folder, "live", chosen, source)
    _keep_of_any_size(folder, "live", network)
    more = norm_input_signatures(translator).items()
    tiled = {name: each for name, each in more if name.startswith(f"{signature}_")}
    _keep(folder, "given", chosen | tiled, source)
    frozen = _freeze(trained)  # changes the networks: last
    _keep(folder, "frozen", chosen, source | {"frozen_norm": frozen})
    _keep_of_any_size(folder, "frozen", network)


def _freeze(trained) -> dict:
    import exporters
    from tf_translate.experiment.export.calibration_images import calibration_inputs
    from tf_translate.experiment.export.frozen_norm import freeze_norms
    from tf_translate.experiment.load_run import golden_images

    inputs = calibration_inputs(trained, None, exporters.pick)
    cost = freeze_norms(trained.translator, inputs, golden_images(trained, 32))
    print(cost, file=sys.stderr)
    return cost


def _keep(folder: Path, norms: str, signatures: Mapping, source: Mapping) -> None:
    """Exports a bundle, unless it is there: bundles appear whole or not at all."""
    import exporters

    if not (folder / norms).is_dir():
        exporters.export(signatures, folder / norms, source=source, keep_saved_model=False)


def _keep_of_any_size(folder: Path, norms: str, network) -> None:
    import keras

    sides = keras.Input((None, None, network.input_shape[-1]))
    free = keras.models.clone_model(network, input_tensors=sides)
    free.set_weights(network.get_weights())
    free.save(folder / f"partial.{norms}.keras")
    os.replace(folder / f"partial.{norms}.keras", folder / f"{norms}.keras")


def translate_whole(network: Path, image: Path, output: Path) -> None:
    """Runs a network of free sides on a whole image."""
    import keras
    import tensorflow as tf

    import tf_translate.methods.cyclegan  # noqa: F401  registers the layers

    model = keras.models.load_model(network)
    run = tf.function(lambda images: model(images, training=False), autograph=False)
    write(output, to_uint8(run(to_float(read(image))[None]).numpy()[0]))


def compare(folder: Path, signature: str, command: str) -> None:
    """Translates by every way in a process of its own, measures and writes the result."""
    from scripts.ablations.table import save

    tile = _tile(folder, signature)
    images: Images = {}
    rows = {}
    for way in _ways(tile):
        costs = measured(folder, way)
        images[way.name] = image = read(way.place(folder) / IMAGE)
        live = images[Way("live").name]
        rows[way.name] = _metrics(image, images[way.aim], live, _borders(way, image, tile))
        rows[way.name] |= costs
        print(way.name, rows[way.name], file=sys.stderr, flush=True)
    shown = _crops({"image": read(folder / IMAGE), **images}, tile)
    save(folder, command, rows, shown)
    # Over it: crops are large enough as they are.
    write(folder / "ablation.png", grid(list(shown.values()), titles=list(shown)))


def _tile(folder: Path, signature: str) -> tuple[int, int]:
    import exporters

    record = exporters.open_bundle(folder / "live").manifest.signatures[signature]
    height, width = record.inputs[0].shape[1:3]
    return height, width


def _ways(tile: tuple[int, int]) -> Iterator[Way]:
    """Every way, each after the one it aims at."""
    for norms, aim in WHOLE.items():
        if norms == aim:
            yield Way(norms)
        for overlap in (0, min(tile) // 4, min(tile) // 2):
            yield Way(norms, overlap)


def measured(folder: Path, way: Way) -> dict[str, float]:
    """Processor time of a way, from start to end, and the most memory it had; once for FOLDER."""
    place = way.place(folder)
    costs = place / "costs.json"
    if not costs.is_file():
        shutil.rmtree(place, ignore_errors=True)  # of a call that was stopped
        # A child counts what its parent had when it began, so a small process stands between.
        outer = [sys.executable, "-c", _COST, *map(str, way.command(folder))]
        done = subprocess.run(outer, check=True, stdout=subprocess.PIPE, text=True)
        seconds, kib = done.stdout.split()[-2:]
        found = {"CPU seconds": float(seconds), "peak MB": int(kib) / 1024}
        costs.write_text(json.dumps(found) + "\n")
    return json.loads(costs.read_text())


def _borders(way: Way, image: np.ndarray, tile: tuple[int, int]) -> list[list[int]]:
    """Where seams could show; for a whole image where tiles without overlap would meet."""
    from exporters.inference.tiling import seam_positions

    sides = zip(image.shape[:2], tile, strict=True)
    return [seam_positions(side, part, way.overlap or 0) for side, part in sides]


def _metrics(image, own, live, places) -> dict[str, float | None]:
    from tf_translate.evaluation.metrics.pixel_distance import psnr
    from tf_translate.evaluation.metrics.seams import seam_ratio, tint_step

    def against(other: np.ndarray) -> float | None:
        equal = np.array_equal(image, other)
        return None if equal else float(psnr(to_float(image)[None], to_float(other)[None])[0])

    return {
        "seam ratio": seam_ratio(image, own, places),
        "tint step (of 255)": tint_step(image, own, places),
        "PSNR to own whole": against(own),
        "PSNR to live whole": against(live),
    }


def _crops(images: Images, tile: tuple[int, int]) -> Images:
    """Where each kind of norms is furthest from its aim at the max_filters overlap, a row for each.

    The overlap between none and the max_filters has its metrics, and no column.
    """
    max_filters = [Way(norms, min(tile) // 2) for norms in WHOLE]
    places = [_furthest(images[way.name], images[way.aim]) for way in max_filters]
    shown = dict.fromkeys(places)
    return {
        name.replace(" in Keras", ""): to_float(
            np.stack([image[top : top + CROP, left : left + CROP] for top, left in shown])
        )
        for name, image in images.items()
        if not name.endswith(f" {min(tile) // 4}")
    }


def _furthest(image: np.ndarray, own: np.ndarray) -> tuple[int, int]:
    """Top and left of the crop of a grid of crops in which two images differ most."""
    apart = np.abs(image.astype(float) - own).mean(-1)
    rows, columns = (side // CROP for side in apart.shape)
    cells = apart[: rows * CROP, : columns * CROP].reshape(rows, CROP, columns, CROP)
    row, column = np.unravel_index(cells.mean((1, 3)).argmax(), (rows, columns))
    return int(row) * CROP, int(column) * CROP


def _image(size: tuple[int, int]) -> np.ndarray:
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
        _refuse(f"{type(translator).__name__} has no generator of --signature {signature}")
    return network


def _refuse(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(2)


def main(asked: argparse.Namespace) -> None:
    """Prepares what FOLDER lacks, measures the ways it lacks and writes the result."""
    size = tuple(asked.size)
    if min(size) < 2 * CROP or any(side % 2 for side in size):
        _refuse(f"--size must be even and at least {2 * CROP} pixels a side, got {size}")
    folder, command = asked.folder, "scripts/benchmarks/tiles.py RUN FOLDER"
    check_same(folder, {"run": str(asked.run), "signature": asked.signature, "size": asked.size})
    if not (folder / "frozen.keras").exists():
        prepare(folder, asked.run, asked.signature, size)
    command += f" --signature {asked.signature} --size {size[0]} {size[1]}"
    compare(folder, asked.signature, command)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/tiles.py")
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path, help="new, or of the same command that was stopped")
    parser.add_argument("--signature", default="a_to_b")
    parser.add_argument("--size", type=int, nargs=2, default=[2048, 1536], metavar="PIXELS")
    return parser.parse_args()


if __name__ == "__main__":
    load_tensorflow()
    if sys.argv[1:2] == ["whole"]:
        translate_whole(*map(Path, sys.argv[2:]))
    else:
        main(_arguments())
