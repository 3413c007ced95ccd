"""The zoo: small trained models that ship with the project as verified bundles."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_translate.errors import DataError

if TYPE_CHECKING:
    import exporters

PREFIX = "zoo:"
LIST = "zoo.json"  # beside the bundles: title, text and command of each


@dataclass(frozen=True)
class ZooModel:
    """A model of the zoo.

    Attributes:
        name: Its name, and that of its folder.
        title: What it does, for people.
        about: A sentence on what it was trained on, and what it takes.
        command: The command that trained it.
        size_bytes: Size of its bundle.
    """

    name: str
    title: str
    about: str
    command: str
    size_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def zoo_folder() -> Path:
    """Returns `$TF_TRANSLATE_ZOO`, else the folder `assets/zoo` of this checkout."""
    override = os.environ.get("TF_TRANSLATE_ZOO")
    return Path(override) if override else Path(__file__).resolve().parents[2] / "assets" / "zoo"


def zoo_models() -> list[ZooModel]:
    """The models of the zoo, in the order of its list.

    Raises:
        DataError: If there is no zoo.
    """
    folder = zoo_folder()
    return [
        ZooModel(
            name=name,
            title=entry["title"],
            about=entry["about"],
            command=entry["command"],
            size_bytes=sum(f.stat().st_size for f in (folder / name).rglob("*") if f.is_file()),
        )
        for name, entry in _read(folder).items()
    ]


def read_titles(folder: Path) -> dict[str, str]:
    """Titles of the models of a zoo's folder by name, in the order of its list."""
    return {name: entry["title"] for name, entry in _read(folder).items()}


def find_zoo_model(name: str) -> Path:
    """The bundle of a model of the zoo; `name` may begin with "zoo:".

    Raises:
        DataError: If there is no such model; the nearest is named.
    """
    name, folder = name.removeprefix(PREFIX), zoo_folder()
    known = list(_read(folder))
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise DataError(f"there is no model {name!r} in the zoo, only {', '.join(known)}{hint}")
    return folder / name


def copy_zoo_model(name: str, target: Path) -> None:
    """Copies the bundle of a model of the zoo into a new folder.

    Raises:
        DataError: If there is no such model, or the folder exists.
    """
    bundle = find_zoo_model(name)
    if target.exists():
        raise DataError(f"{target} exists already; give a new folder")
    shutil.copytree(bundle, target)


def from_zoo(name: str, recipe: str | None = None) -> "exporters.Runner":
    """Opens a model of the zoo, to run it on this machine.

    Args:
        name: Its name, such as "flat_to_3d"; see `tf-translate zoo list`.
        recipe: Which of its files; None: the first.

    Returns:
        A runner of its signatures.

    Raises:
        DataError: If there is no such model.
        BundleError: If its files were changed.

    Example:
        ```python
        model = tf_translate.from_zoo("flat_to_3d")
        image = np.zeros((1, 64, 64, 3), np.float32)  # in [-1, 1]
        translated = model.run("a_to_b", {"image": image})["image"]
        ```
    """
    import exporters

    return exporters.Runner(exporters.open_bundle(find_zoo_model(name)), recipe=recipe)


def _read(folder: Path) -> Mapping[str, Mapping[str, str]]:
    file = folder / LIST
    if not file.is_file():
        raise DataError(
            f"there is no zoo in {folder}; set TF_TRANSLATE_ZOO to the folder assets/zoo of a "
            "clone of the project"
        )
    entries: Mapping[str, Mapping[str, str]] = json.loads(file.read_text("utf-8"))
    return entries
