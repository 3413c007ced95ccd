"""What this project has published about each method: images it learned from, sizes of its files.

`published.json` beside this module is made from assets/results, which are not part of the wheel,
by `python -m scripts.results.advice_data`.
"""

import functools
import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from tf_translate.config.load import validate
from tf_translate.config.settings import Settings

FILE = Path(__file__).with_name("published.json")


class TrainedOn(Settings):
    """Number of images that a method learned from, in a published result or its small preset."""

    method: str
    kind: Literal["result", "preset"]
    source: str = Field(description="file below assets/results, or name of the preset")
    data: str
    images: int = Field(ge=1, description="of pairs, or of the smaller of two sets")
    size: tuple[int, int] = Field(description="height and width")


class ExportSizes(Settings):
    """Sizes of the exported files of a published run, in bytes by recipe."""

    source: str = Field(description="file below assets/results")
    date: str
    recipes: dict[str, int]


class Published(Settings):
    """All of it."""

    command: str
    revision: str
    date: str
    trained_on: tuple[TrainedOn, ...]
    exports: dict[str, ExportSizes] = Field(description="by method")

    def of(self, method: str) -> list[TrainedOn]:
        """What a method learned from, the fewest images first."""
        return sorted((o for o in self.trained_on if o.method == method), key=lambda o: o.images)


@functools.cache
def published() -> Published:
    """Reads the file."""
    return validate(Published, json.loads(FILE.read_text("utf-8")), FILE.name)
