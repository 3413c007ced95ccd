"""Draws heads into files, by one process a core: drawing does not release Python's lock."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tf_translate.data.fetch.avatars import (
    Values,
    draw_head,
    draw_snapshot,
    draw_tone,
    load_open_peeps,
)
from tf_translate.data.fetch.fetch_options import Progress
from tf_translate.errors import DataError

_DRAW = {"head": draw_head, "tone": draw_tone, "snapshot": draw_snapshot}
_PROCESS_FROM = 500  # heads; for fewer, starting a process takes longer than it saves
_START = "from tf_translate.data.fetch.head_files import main; main()"


class Head(NamedTuple):
    """A head to draw.

    Attributes:
        kind: "head", "tone" or "snapshot": how it is drawn.
        person: Name that seeds what `values` do not set.
        values: Values of its attributes.
        side: Width and height in pixels.
        path: The PNG file.
    """

    kind: str
    person: str
    values: Values
    side: int
    path: str


def draw_files(heads: Sequence[Head], progress: Progress) -> None:
    """Draws heads. The images do not depend on the number of processes.

    Args:
        heads: The heads.
        progress: Called with (heads done, heads in all).

    Raises:
        DataError: If the rendering packages are not installed, or a process ends early.
    """
    load_open_peeps()  # says what is not installed
    count = _processes(heads)
    if count < 2:
        for done, _ in enumerate(_draw(heads), 1):
            progress(done, len(heads))
        return
    # The last of the processes is this one, which tells the progress of all.
    parts = [heads[index::count] for index in range(count)]
    others = [_start(part) for part in parts[:-1]]
    try:
        for done, _ in enumerate(_draw(parts[-1]), 1):
            progress(min(done * count, len(heads) - 1), len(heads))
        for process in others:
            if process.wait():
                raise DataError(
                    f"a process that draws heads ended with code {process.returncode}; fetch again"
                )
    finally:
        for process in others:
            process.kill()
            process.wait()
    progress(len(heads), len(heads))


def main() -> None:
    """Draws the heads that standard input lists as JSON."""
    for _ in _draw(Head(*each) for each in json.load(sys.stdin)):
        pass


def _draw(heads: Iterable[Head]) -> Iterator[Head]:
    """Draws heads, and yields each when its file is written."""
    style = load_open_peeps()
    for head in heads:
        image = _DRAW[head.kind](style, head.person, tuple(head.values), side=head.side)
        image.save(head.path)
        yield head


def _start(heads: Sequence[Head]) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-P", "-c", _START], stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps(heads).encode())
    return process


def _processes(heads: Sequence[Head]) -> int:
    known = hasattr(os, "sched_getaffinity")  # not on macOS and Windows
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    return min(cores, len(heads) // _PROCESS_FROM)
