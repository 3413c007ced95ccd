"""Writes what was measured: metrics as JSON, and a page of metrics and images for people."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_translate.evaluation.metrics.results import Report
from tf_translate.evaluation.report import page
from tf_translate.images import grid, write

PAGE = "index.html"
GRID_ROWS = 12


def document(
    reports: Sequence[Report], *, title: str, metadata: Mapping[str, Any], protocol_name: str
) -> dict[str, Any]:
    """Gives everything that was measured as what JSON can hold.

    Args:
        reports: One a direction, of different names.
        title: What was measured, for people.
        metadata: What the caller wants kept with the numbers, such as `command` and settings;
            values that JSON does not know are kept as text.
        protocol_name: Name of this way of measuring, such as "test64".

    Returns:
        `title`, `protocol_name`, `metadata` and `directions`: name to `Report.as_dict()`.
    """
    names = [report.direction.name for report in reports]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"`reports` must hold directions of different names, got {names}")
    return {
        "title": title,
        "protocol_name": protocol_name,
        "metadata": json.loads(json.dumps(dict(metadata), default=str)),
        "directions": {report.direction.name: report.as_dict() for report in reports},
    }


def write_report(
    folder: str | Path,
    reports: Sequence[Report],
    *,
    title: str,
    metadata: Mapping[str, Any],
    protocol_name: str,
) -> Path:
    """Writes `<protocol_name>.json`, a image `<direction>.png` each, and `index.html`.

    The page holds its images and its style in itself and asks for nothing from anywhere.
    Every file is written whole or not at all; the page comes last.

    Arguments as in `document`.

    Returns:
        The page.
    """
    if not protocol_name or set(protocol_name) & set("/\\:"):
        raise ValueError(f"`protocol_name` must do as a file name, got {protocol_name!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = document(reports, title=title, metadata=metadata, protocol_name=protocol_name)
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    _write(folder / f"{protocol_name}.json", text + "\n")
    for report in reports:
        write(folder / f"{report.direction.name}.png", image_grid(report))
    written = folder / PAGE
    _write(
        written, page.render(reports, title=title, metadata=metadata, protocol_name=protocol_name)
    )
    return written


def image_grid(report: Report, *, rows: int = GRID_ROWS) -> np.ndarray:
    """Lays source, output and truth side by side for images spread evenly over the set.

    Returns:
        uint8 `(height, width, 3)`.
    """
    direction = report.direction
    chosen = page.spread(len(direction.source), rows)
    columns = [direction.source[chosen], direction.outputs[chosen]]
    titles = ["source", "output"]
    if direction.truth is not None:
        columns.append(direction.truth[chosen])
        titles.append("truth")
    scale = max(1, 128 // max(column.shape[1] for column in columns))
    return grid(columns, titles=titles, scale=scale)


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
