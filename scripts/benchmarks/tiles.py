"""Measures the seams of `translate --tiles`, by kind of normalization.

scripts/bench tiles RUN FOLDER [--signature a_to_b] [--size 2048 1536]

"live" instance normalization uses the statistics of each tile. "norm inputs" takes those of the
whole image as inputs (`export --norm-inputs`). "frozen" uses those of a calibration set. Every
translation in tiles is compared with that of the whole image in Keras.

RUN is a run of a method with an instance-normalized generator. A bundle has one image size and
cannot take the whole image, so Keras does. FOLDER receives the bundles, an image of four of
scikit-image's photographs, every translation and its cost, ablation.json and ablation.png. After
an interruption, the same command continues and repeats nothing that FOLDER holds. To publish:
python -m scripts.results.publish --ablation FOLDER tiles
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

from scripts.benchmarks.machine import with_root_on_path
from scripts.benchmarks.seams import seam_positions, seam_ratio, tint_step
from tf_translate.cli.output import load_tensorflow
from tf_translate.images import grid, read, resize, to_float, to_uint8, write

PHOTOGRAPHS = ("coffee", "chelsea", "rocket", "astronaut")
# By kind of normalization, the kind whose whole image its tiles should reproduce.
REFERENCE = {"live": "live", "norm_inputs": "live", "frozen": "frozen"}
IMAGE, OPTIONS = "image.png", "options.json"
_COST = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
)
CROP = 128  # side in pixels of the crops that are shown

Images = dict[str, np.ndarray]  # by the name of the variant


@dataclass(frozen=True)
class Variant:
    """A way to translate the image: a kind of normalization, in tiles or (no overlap) whole."""

    norm: str
    overlap: int | None = None

    @property
    def name(self) -> str:
        kind = "whole in Keras" if self.overlap is None else f"overlap {self.overlap}"
        return f"{self.norm.replace('_', ' ')}, {kind}"

    @property
    def reference(self) -> str:
        """Name of the variant with the whole image that this one should reproduce."""
        return Variant(REFERENCE[self.norm]).name

    def output_folder(self, folder: Path) -> Path:
        """Folder of its image."""
        return folder / f"{self.norm}_{'whole' if self.overlap is None else self.overlap}"

    def command(self, folder: Path) -> list:
        """The command that translates the image into the output folder."""
        image, output = folder / IMAGE, self.output_folder(folder)
        if self.overlap is None:
            network = folder / f"{self.norm}.keras"
            this = ["-P", "-m", "scripts.benchmarks.tiles"]
            return [sys.executable, *this, "whole", network, image, output / IMAGE]
        options = ["--output", output, "--tiles", "--overlap", self.overlap]
        return ["tf-translate", "translate", folder / self.norm, image, *options]


def check_same(folder: Path, options: Mapping) -> None:
    """Records the options in FOLDER; exits if FOLDER was started with other ones."""
    file = folder / OPTIONS
    if file.is_file():
        recorded = json.loads(file.read_text())
        if recorded != options:
            _refuse(f"FOLDER must be new: {folder} was started with {recorded}; name another one")
        return
    if folder.is_dir() and any(folder.iterdir()):
        _refuse(f"FOLDER must be new or empty, {folder} holds something else; name another one")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(options) + "\n")


def prepare(folder: Path, run: Path, signature: str, size: tuple[int, int]) -> None:
    """Writes the image, and for each kind of normalization a bundle and a network of any size."""
    from tf_translate.experiment.export.provenance import source_of
    from tf_translate.experiment.export.tiled_norm import norm_input_signatures
    from tf_translate.experiment.load_run import load_run_to_export

    trained = load_run_to_export(run)
    translator, source = trained.translator, source_of(trained)
    aspect = trained.config.data.aspect
    network = _network(translator, signature)
    selected = {signature: translator.signatures()[signature]}
    write(folder / IMAGE, _image(size))
    _export(folder, "live", selected, source, aspect)
    _save_for_any_size(folder, "live", network)
    with_inputs = norm_input_signatures(translator).items()
    tiled = {name: each for name, each in with_inputs if name.startswith(f"{signature}_")}
    _export(folder, "norm_inputs", selected | tiled, source, aspect)
    frozen = _freeze(trained)  # last, as it changes the networks
    _export(folder, "frozen", selected, source | {"frozen_norm": frozen}, aspect)
    _save_for_any_size(folder, "frozen", network)


def _freeze(trained) -> dict:
    import exporters
    from tf_translate.experiment.export.calibration_images import calibration_inputs
    from tf_translate.experiment.export.frozen_norm import freeze_norms
    from tf_translate.experiment.load_run import golden_images

    inputs = calibration_inputs(trained, None, exporters.pick_diverse_images)
    cost = freeze_norms(trained.translator, inputs, golden_images(trained, 32))
    print(cost, file=sys.stderr)
    return cost


def _export(folder: Path, norm: str, signatures: Mapping, source: Mapping, aspect: str) -> None:
    """Exports a bundle unless it exists; a bundle appears complete or not at all."""
    import exporters

    if not (folder / norm).is_dir():
        exporters.export(
            signatures, folder / norm, aspect=aspect, source=source, keep_saved_model=False
        )


def _save_for_any_size(folder: Path, norm: str, network) -> None:
    import keras

    images = keras.Input((None, None, network.input_shape[-1]))
    any_size = keras.models.clone_model(network, input_tensors=images)
    any_size.set_weights(network.get_weights())
    any_size.save(folder / f"partial.{norm}.keras")
    os.replace(folder / f"partial.{norm}.keras", folder / f"{norm}.keras")


def translate_whole(network: Path, image: Path, output: Path) -> None:
    """Runs a network for any image size on the whole image."""
    import keras
    import tensorflow as tf

    import tf_translate.methods.cyclegan  # noqa: F401  registers the layers

    model = keras.models.load_model(network)
    run = tf.function(lambda images: model(images, training=False), autograph=False)
    write(output, to_uint8(run(to_float(read(image))[None]).numpy()[0]))


def compare(folder: Path, signature: str, command: str) -> None:
    """Translates by every variant in its own process, measures, and writes the result."""
    from scripts.ablations.table import save

    tile = _tile(folder, signature)
    images: Images = {}
    rows = {}
    for variant in _variants(tile):
        costs = measured(folder, variant)
        images[variant.name] = image = read(variant.output_folder(folder) / IMAGE)
        reference, live = images[variant.reference], images[Variant("live").name]
        rows[variant.name] = _metrics(image, reference, live, _seams(variant, image, tile))
        rows[variant.name] |= costs
        print(variant.name, rows[variant.name], file=sys.stderr, flush=True)
    shown = _crops({"image": read(folder / IMAGE), **images}, tile)
    save(folder, command, rows, shown)
    # Replaces the enlarged grid that `save` writes: these crops need no enlarging.
    write(folder / "ablation.png", grid(list(shown.values()), titles=list(shown)))


def _tile(folder: Path, signature: str) -> tuple[int, int]:
    import exporters

    record = exporters.open_bundle(folder / "live").manifest.signatures[signature]
    height, width = record.inputs[0].shape[1:3]
    return height, width


def _variants(tile: tuple[int, int]) -> Iterator[Variant]:
    """Every variant, each after its reference."""
    for norm, reference in REFERENCE.items():
        if norm == reference:
            yield Variant(norm)
        for overlap in (0, min(tile) // 4, min(tile) // 2):
            yield Variant(norm, overlap)


def measured(folder: Path, variant: Variant) -> dict[str, float]:
    """Processor time and peak memory of a variant; translates unless FOLDER holds the result."""
    output = variant.output_folder(folder)
    costs = output / "costs.json"
    if not costs.is_file():
        shutil.rmtree(output, ignore_errors=True)  # left by an interrupted call
        # The kernel counts the parent's memory at the fork as the child's, so the parent is small.
        command = [sys.executable, "-c", _COST, *map(str, variant.command(folder))]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=with_root_on_path()
        )
        seconds, kib = done.stdout.split()[-2:]
        values = {"CPU seconds": float(seconds), "peak MB": int(kib) / 1024}
        costs.write_text(json.dumps(values) + "\n")
    return json.loads(costs.read_text())


def _seams(variant: Variant, image: np.ndarray, tile: tuple[int, int]) -> list[list[int]]:
    """Rows and columns of seams; for a whole image, those of tiles without overlap."""
    sides = zip(image.shape[:2], tile, strict=True)
    return [seam_positions(side, part, variant.overlap or 0) for side, part in sides]


def _metrics(image, reference, live, seams) -> dict[str, float | None]:
    from tf_translate.evaluation.metrics.pixel_distance import psnr

    def psnr_to(other: np.ndarray) -> float | None:
        equal = np.array_equal(image, other)
        return None if equal else float(psnr(to_float(image)[None], to_float(other)[None])[0])

    return {
        "seam ratio": seam_ratio(image, reference, seams),
        "tint step (of 255)": tint_step(image, reference, seams),
        "PSNR to whole image": psnr_to(reference),
        "PSNR to live whole image": psnr_to(live),
    }


def _crops(images: Images, tile: tuple[int, int]) -> Images:
    """One row per kind of normalization: the crop where its tiles differ most from the reference.

    The tiles with the largest overlap decide. The medium overlap has metrics but no column.
    """
    largest = [Variant(norm, min(tile) // 2) for norm in REFERENCE]
    corners = dict.fromkeys(_furthest(images[v.name], images[v.reference]) for v in largest)
    return {
        name.replace(" in Keras", ""): to_float(
            np.stack([image[top : top + CROP, left : left + CROP] for top, left in corners])
        )
        for name, image in images.items()
        if not name.endswith(f" {min(tile) // 4}")
    }


def _furthest(image: np.ndarray, reference: np.ndarray) -> tuple[int, int]:
    """Top and left of the crop, in a grid of crops, in which two images differ most."""
    difference = np.abs(image.astype(float) - reference).mean(-1)
    rows, columns = (side // CROP for side in difference.shape)
    cells = difference[: rows * CROP, : columns * CROP].reshape(rows, CROP, columns, CROP)
    row, column = np.unravel_index(cells.mean((1, 3)).argmax(), (rows, columns))
    return int(row) * CROP, int(column) * CROP


def _image(size: tuple[int, int]) -> np.ndarray:
    """Four photographs, each cropped and enlarged to a quarter of the image."""
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
        _refuse(f"{type(translator).__name__} has no generator for --signature {signature}")
    return network


def _refuse(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(2)


def main(options: argparse.Namespace) -> None:
    """Prepares and measures what FOLDER lacks, then writes the result."""
    size = tuple(options.size)
    if min(size) < 2 * CROP or any(side % 2 for side in size):
        _refuse(f"--size must be even and at least {2 * CROP} pixels a side, got {size}")
    folder, command = options.folder, "scripts/bench tiles RUN FOLDER"
    recorded = {"run": str(options.run), "signature": options.signature, "size": options.size}
    check_same(folder, recorded)
    if not (folder / "frozen.keras").exists():
        prepare(folder, options.run, options.signature, size)
    command += f" --signature {options.signature} --size {size[0]} {size[1]}"
    compare(folder, options.signature, command)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench tiles")
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path, help="new, or left by the same command")
    parser.add_argument("--signature", default="a_to_b")
    parser.add_argument("--size", type=int, nargs=2, default=[2048, 1536], metavar="PIXELS")
    return parser.parse_args()


if __name__ == "__main__":
    load_tensorflow()
    if sys.argv[1:2] == ["whole"]:
        translate_whole(*map(Path, sys.argv[2:]))
    else:
        main(_arguments())
