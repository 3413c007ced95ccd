"""The worker of `fuzz_bundles`: calls the command line on one changed bundle for each request.

With --export FOLDER it writes the bundles that are changed, and ends.
"""

import contextlib
import io
import json
import os
import random
import shutil
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from scripts.fuzz.bundle_mutations import MUTATIONS, sign_files

BASE, BASE_SAVED = "base", "base_with_saved_model"
_SHAPE = (None, 16, 24, 3)
_LIMITS = ("--time-limit", "40", "--memory-limit", "1.5")
# Each kind of change with its share of all bundles; TensorFlow takes seconds to load.
_SHARES = {
    "bits of the model": 26,
    "cut model": 6,
    "fields of the model": 32,
    "manifest": 14,
    "bits of the arrays": 3,
    "members of the arrays": 7,
    "nodes of the SavedModel": 6,
    "bits of the SavedModel": 1,
    "bits of the weights": 1,
}


def export_bundles(folder: Path) -> None:
    """Writes a small generator twice, without and with its SavedModel."""
    import keras

    import exporters

    keras.utils.set_random_seed(0)
    layers = keras.layers
    images = keras.Input(_SHAPE[1:])
    hidden = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(images)
    hidden = layers.LeakyReLU()(layers.BatchNormalization()(hidden))
    hidden = layers.Concatenate()([hidden, layers.AveragePooling2D(3, 1, "same")(hidden)])
    hidden = layers.Conv2DTranspose(8, 4, strides=2, padding="same")(
        layers.ZeroPadding2D(1)(hidden)
    )
    hidden = layers.Cropping2D(2)(hidden)
    network = keras.Model(images, layers.Conv2D(3, 3, padding="same", activation="tanh")(hidden))
    tensor = SimpleNamespace(name="image", shape=_SHAPE, dtype="float32", value_range=(-1.0, 1.0))
    signature = SimpleNamespace(
        name="a_to_b",
        function=lambda image: {"image": network(image, training=False)},
        inputs=(tensor,),
        outputs=(tensor,),
        inference_behavior={},
    )
    for name, kept in ((BASE, False), (BASE_SAVED, True)):
        exporters.export({"a_to_b": signature}, folder / name, keep_saved_model=kept)


class Worker:
    """Changes bundles and calls commands on them.

    Args:
        folder: With the exported bundles.
        seed: Of all changes.
        number: Of this worker; it has a folder of its own.
    """

    def __init__(self, folder: Path, seed: int, number: int) -> None:
        from PIL import Image

        self._bases, self._seed = folder, seed
        self._temporary = folder / "temporary" / str(number)
        self._folder = folder / f"worker_{number}"
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "current").mkdir(parents=True)
        os.chdir(self._folder / "current")
        self._image = self._folder / "image.png"
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(self._image)

    def try_one(self, index: int) -> dict[str, Any]:
        """Makes bundle number `index` and calls a command on it."""
        choose = random.Random(f"{self._seed}/{index}")
        kind = choose.choices(list(_SHARES), list(_SHARES.values()))[0]
        change, saved_model, is_signed = MUTATIONS[kind]
        place = self._folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        bundle = place / "bundle"
        shutil.copytree(self._bases / (BASE_SAVED if saved_model else BASE), bundle)
        change(bundle, choose)
        if is_signed:
            sign_files(bundle)
        command = "verify" if saved_model else choose.choice(_COMMANDS)
        before = self._files()
        start = time.monotonic()
        outcome, sentence = _call(_arguments(command, bundle, self._image, place / "output"))
        return {
            "index": index, "kind": kind, "command": command, "outcome": outcome,
            "seconds": round(time.monotonic() - start, 1),
            "outside": sorted(self._files() - before), "sentence": sentence[-600:],
        }  # fmt: skip

    def _files(self) -> set[str]:
        """All files but the results of `translate`, those that TensorFlow may write included."""
        folders = (self._folder, self._temporary)
        found = {str(file) for folder in folders for file in folder.rglob("*")}
        return {file for file in found if "/place/output" not in file}


_COMMANDS = ("verify", "verify", "verify", "lint", "lint", "translate", "translate", "benchmark")


def _arguments(command: str, bundle: Path, image: Path, output: Path) -> list[str]:
    more = {
        "translate": [str(image), "--output", str(output)],
        "benchmark": ["--threads", "1", "--runs", "1"],
    }
    return [command, str(bundle), *more.get(command, []), *_LIMITS]


def _call(arguments: list[str]) -> tuple[str, str]:
    """How a command ended: `passed`, `refused` or `traceback`, and what it printed."""
    from tf_translate.cli.main import run

    sys.argv = ["tf-translate", *arguments]
    text = io.StringIO()
    code: object = 0
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            run()
    except SystemExit as exit_:
        code = exit_.code or 0
    except BaseException:
        return "traceback", traceback.format_exc()
    printed = text.getvalue()
    if "Traceback" in printed or "\x1b[2J" in printed:
        return "traceback", printed
    if code not in (0, 1, 2) or (code and len(printed.split()) < 4):
        return "traceback", f"exit code {code} with {printed!r}"
    return ("refused" if code else "passed"), printed


def main() -> None:
    """Answers each line on stdin, the number of a bundle, with a line of JSON."""
    if sys.argv[1] == "--export":
        export_bundles(Path(sys.argv[2]))
        return
    worker = Worker(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(worker.try_one(int(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
