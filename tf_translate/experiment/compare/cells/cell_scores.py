"""What differences between methods are computed from: the scores of each image of a cell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_translate.experiment.compare import parts
from tf_translate.experiment.compare.cells.cell_images import PerImage, read_per_image
from tf_translate.experiment.compare.cells.read_cell import OUTPUT, measurement_of, results_of
from tf_translate.experiment.compare.parts import ContentScale, DomainScale


@dataclass(frozen=True, eq=False)
class CellScores:
    """What the bootstrap needs of a cell.

    Attributes:
        per_image: Scores of its held-out images.
        content, domain: The scales of its completeness; None if undefined.
        kid, kid_error: Its kernel distance, and the standard error.
    """

    per_image: PerImage
    content: ContentScale | None
    domain: DomainScale | None
    kid: float
    kid_error: float


def read_scores(cells: Sequence[Mapping[str, Any]], root: Path) -> list[CellScores]:
    """Reads the scores of the cells that keep those of each image.

    Args:
        cells: Cells as `collect` returns them.
        root: The folder that was collected.

    Raises:
        RunError: If a file is broken.
    """
    found = []
    for cell in cells:
        per_image = read_per_image(root / cell["folder"])
        if per_image is None:
            continue
        results = results_of(cell)
        kid = parts.kid_name(results[OUTPUT]) or ""
        errors = measurement_of(cell).get("standard_errors", {}).get(OUTPUT, {})
        value, error = results[OUTPUT].get(kid), errors.get(kid)
        found.append(
            CellScores(
                per_image,
                parts.content_scale(results),
                parts.domain_scale(results),
                math.nan if value is None else value,
                math.nan if error is None else error,
            )
        )
    return found
