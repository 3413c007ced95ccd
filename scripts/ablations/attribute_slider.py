"""Varies one attribute, or the strength of an exemplar's object, over held-out images.

python -m scripts.ablations.attribute_slider RUN ATTRIBUTE IMAGE
python -m scripts.ablations.attribute_slider RUN strength IMAGE

Every row of IMAGE is a held-out image, every column a value. An attribute varies from -1 to 2,
where 0 is absent and 1 is present; a strength varies from 0 to 1.
"""

import sys
from pathlib import Path

import numpy as np

from tf_translate.experiment.dataset import held_out_split, preview
from tf_translate.experiment.load_run import TrainedRun, load_run
from tf_translate.images import grid, write

ROWS = 10
VALUES = {"attributes": (-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0), "strength": (0, 0.25, 0.5, 0.75, 1)}


def main(trained: TrainedRun, label: str, image: Path) -> None:
    """Writes the grid of images."""
    shown = preview(trained.data, held_out_split(trained.data), ROWS)
    examples = trained.translator.examples(shown)
    for name, signature in trained.translator.signatures().items():
        for spec in signature.inputs:
            if label in spec.labels:
                inputs, column = examples[name], spec.labels.index(label)
                columns = {"image": np.asarray(inputs["image"])}
                for value in VALUES[spec.name]:
                    values = np.array(inputs[spec.name], np.float32)
                    values[:, column] = value
                    images = signature.function(**{**inputs, spec.name: values})["image"]
                    columns[f"{value:g}"] = np.asarray(images)
                write(image, grid(list(columns.values()), titles=list(columns), scale=2))
                return
    raise SystemExit(f"no signature of {trained.run.path} has an input named {label!r}")


if __name__ == "__main__":
    main(load_run(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
