"""Writes the data sets of drawn heads: images and a table for each.

Each person of train and validation has one image, with random attributes. Each person of test has
one for every combination of attributes.
"""

from collections.abc import Sequence
from pathlib import Path

from tf_translate.data.fetch.avatars import (
    ATTRIBUTES,
    COMBINATIONS,
    TONES,
    Values,
    hair_of,
    list_glasses_people,
    list_people,
    load_open_peeps,
)
from tf_translate.data.fetch.fetch_options import FetchOptions, Progress
from tf_translate.data.fetch.head_files import Head, draw_files
from tf_translate.data.fetch.svg_rendering import write_table

COLUMNS = ("image", "split", "person", *ATTRIBUTES)
GLASSES_COLUMNS = ("image", "split", "person", "hair", "beard", "glasses")
_MOST_HELD_OUT = 512  # people of `write_glasses` in validation, and as many in test


def write_avatars(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """Writes heads as PNG, and a table with person, glasses and beard.

    Args:
        files: Not used.
        folder: Output folder.
        options: `size` of the images, `number` of people in train. Validation and test have a
            twentieth as many each, but at least 4.
        progress: Called after every image.
    """
    return _write_heads(folder / "dicebear.csv", COLUMNS, COMBINATIONS, "head", options, progress)


def write_tones(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """Writes heads in skin tones 0 (light) to 4; otherwise as `write_avatars`."""
    combinations = [(tone,) for tone in range(len(TONES))]
    columns = ("image", "split", "person", "tone")
    return _write_heads(
        folder / "dicebear-tones.csv", columns, combinations, "tone", options, progress
    )


def write_snapshots(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """As `write_tones`, but each image is a random snapshot (see `draw_snapshot`)."""
    combinations = [(tone,) for tone in range(len(TONES))]
    columns = ("image", "split", "person", "tone")
    table = folder / "dicebear-snapshots.csv"
    return _write_heads(table, columns, combinations, "snapshot", options, progress)


def write_glasses(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """Writes everyone with and without glasses, and two tables for methods with and without pairs.

    In `dicebear-glasses.csv` a person of train or validation has one of the two images, and in
    `dicebear-glasses-pairs.csv` both. People of test have both in both tables. So all methods
    learn from the same people, and are measured on the same images.

    Args:
        files: Not used.
        folder: Output folder.
        options: `size` of the images, `number` of people in train. Validation and test have a
            twentieth as many each, but at least 4 and at most 512.
        progress: Called after every image.
    """
    number = int(options.number or 0)
    others = min(max(4, number // 20), _MOST_HELD_OUT)
    sizes = {"train": number, "validation": others, "test": others}
    style, side = load_open_peeps(), int(options.size or 0)
    heads, pairs, shown = [], [], []
    for split, person, beard, shown_glasses in list_glasses_people(sizes):
        hair = hair_of(style, person)
        for glasses in (0, 1):
            name = f"{person}-{glasses}{beard}.png"
            heads.append(Head("head", person, (glasses, beard), side, str(folder / name)))
            row = (name, split, person, hair, beard, glasses)
            pairs.append(row)
            if glasses == shown_glasses or split == "test":
                shown.append(row)
    draw_files(heads, progress)
    write_table(folder / "dicebear-glasses-pairs.csv", GLASSES_COLUMNS, pairs)
    return write_table(folder / "dicebear-glasses.csv", GLASSES_COLUMNS, shown)


def _write_heads(
    table: Path,
    columns: Sequence[str],
    combinations: Sequence[Values],
    kind: str,
    options: FetchOptions,
    progress: Progress,
) -> Path:
    number = int(options.number or 0)
    others = max(4, number // 20)
    side, heads, rows = int(options.size or 0), [], []
    sizes = {"train": number, "validation": others, "test": others}
    for split, person, values in list_people(sizes, combinations):
        name = f"{person}-{''.join(map(str, values))}.png"
        heads.append(Head(kind, person, values, side, str(table.parent / name)))
        rows.append((name, split, person, *values))
    draw_files(heads, progress)
    return write_table(table, columns, rows)
