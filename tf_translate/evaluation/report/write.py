"""Writes evaluation results: metrics as JSON, and an HTML page of metrics and images."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_translate.atomic_files import write_atomically, write_text_atomically
from tf_translate.evaluation.metrics.results import Report
from tf_translate.evaluation.report import page
from tf_translate.images import grid, to_uint8, write

PAGE = "index.html"
GRID_ROWS = 12


def document(
    reports: Sequence[Report], *, title: str, metadata: Mapping[str, Any], protocol_name: str
) -> dict[str, Any]:
    """Converts all results to JSON values.

    Args:
        reports: One per direction, with distinct names.
        title: Title for people.
        metadata: Saved with the results, such as `command` and settings; values that are not
            JSON-serializable become text.
        protocol_name: Name of the protocol, such as "test64".

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
    """Writes `<protocol_name>.json`, `index.html`, and two files for each direction.

    `<direction>.png` shows some images, `<direction>.npz` holds all: see `image_arrays`.

    The page embeds its images and style and loads nothing else. Every file is written
    atomically, the page last.

    Arguments as in `document`.

    Returns:
        Path of the page.
    """
    if not protocol_name or set(protocol_name) & set("/\\:"):
        raise ValueError(f"`protocol_name` must be a valid file name, got {protocol_name!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = document(reports, title=title, metadata=metadata, protocol_name=protocol_name)
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    write_text_atomically(folder / f"{protocol_name}.json", text + "\n")
    for report in reports:
        write(folder / f"{report.direction.name}.png", image_grid(report))
        _write_arrays(folder / f"{report.direction.name}.npz", image_arrays(report))
    path = folder / PAGE
    write_text_atomically(
        path, page.render(reports, title=title, metadata=metadata, protocol_name=protocol_name)
    )
    return path


def keep_fuller_report(
    folder: Path, reports: Sequence[Report], *, protocol_name: str
) -> tuple[Path, list[str]] | None:
    """Moves an earlier report that has directions which the new reports have not.

    Its page and JSON file go into a folder `earlier_1`, or the next number that is free. Without
    this, evaluating one direction would lose the results of the others.

    Args:
        folder: Folder of the reports.
        reports: The new reports, which are not yet written.
        protocol_name: As in `document`.

    Returns:
        The folder and the names of those directions; None if nothing was moved.
    """
    path = folder / f"{protocol_name}.json"
    try:
        earlier = json.loads(path.read_text("utf-8"))["directions"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):  # nobody can read it, so nothing is lost
        return None
    new = {report.direction.name for report in reports}
    others = [name for name in earlier if name not in new]
    if not others:
        return None
    number = 1
    while (folder / f"earlier_{number}").exists():
        number += 1
    kept = folder / f"earlier_{number}"
    kept.mkdir()
    path.rename(kept / path.name)
    page_file = folder / PAGE
    if page_file.exists() and protocol_name in page_file.read_text("utf-8"):  # not of another split
        page_file.rename(kept / PAGE)
    return kept, others


def image_arrays(report: Report) -> dict[str, np.ndarray]:
    """The images of a direction and the scores of each, to compare runs image by image.

    Returns:
        `source`, `output` and, if known, `truth`: uint8 `(n, h, w, c)`; the scores of
        `Report.per_image`, float32 `(n,)`.
    """
    direction = report.direction
    images = {"source": direction.source, "output": direction.outputs, "truth": direction.truth}
    arrays = {name: to_uint8(each) for name, each in images.items() if each is not None}
    return arrays | {name: each.astype(np.float32) for name, each in report.per_image.items()}


def image_grid(report: Report, *, rows: int = GRID_ROWS) -> np.ndarray:
    """Arranges source, output and ground truth side by side, for evenly spaced images.

    Returns:
        uint8 `(height, width, 3)`.
    """
    direction = report.direction
    chosen = page.evenly_spaced(len(direction.source), rows)
    columns = [direction.source[chosen], direction.outputs[chosen]]
    titles = ["source", "output"]
    if direction.truth is not None:
        columns.append(direction.truth[chosen])
        titles.append("ground truth")
    scale = max(1, 128 // max(column.shape[1] for column in columns))
    return grid(columns, titles=titles, scale=scale)


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    def write(file: Path) -> None:
        with file.open("wb") as opened:
            np.savez_compressed(opened, allow_pickle=False, **arrays)

    write_atomically(path, write)
