"""Slides one attribute, or the strength of an exemplar's object, over held-out images.

python scripts/ablations/attribute_slider.py RUN ATTRIBUTE IMAGE
python scripts/ablations/attribute_slider.py RUN strength IMAGE

Every row is a held-out image, every column a value: for an attribute from -1 to 2, where 0 is
absent and 1 present; for a strength from 0 to 1.
"""

import sys
from pathlib import Path

import numpy as np

from tf_translate.experiment.dataset import held_out, preview
from tf_translate.experiment.load_run import Trained, load_trained
from tf_translate.images import grid, write

ROWS = 10
VALUES = {"attributes": (-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0), "strength": (0, 0.25, 0.5, 0.75, 1)}


def main(trained: Trained, label: str, image: Path) -> None:
    """Draws the grid."""
    shown = preview(trained.data, held_out(trained.data), ROWS)
    examples = trained.translator.examples(shown)
    for name, signature in trained.translator.signatures().items():
        for spec in signature.inputs:
            if label in spec.labels:
                inputs, column = examples[name], spec.labels.index(label)
                columns = {"image": np.asarray(inputs["image"])}
                for value in VALUES[spec.name]:
                    slid = np.array(inputs[spec.name], np.float32)
                    slid[:, column] = value
                    images = signature.function(**{**inputs, spec.name: slid})["image"]
                    columns[f"{value:g}"] = np.asarray(images)
                write(image, grid(list(columns.values()), titles=list(columns), scale=2))
                return
    raise SystemExit(f"no signature of {trained.run.path} takes a number called {label!r}")


if __name__ == "__main__":
    main(load_trained(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
