"""The registry of methods: those of this package, of installed packages and of imported files.

The decorator `@register` makes a class a method. A package registers its methods by the entry
point `tf_translate.methods` (`name = module`). A file that is not installed is loaded by
`tf-translate --import FILE.py` or by `import = ["FILE.py"]` in a TOML file.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

import keras

import tf_translate.methods
from tf_translate.config.load import add_preset_folder
from tf_translate.config.settings import MethodSettings
from tf_translate.core.translator import Translator
from tf_translate.errors import UnknownMethodError

Class = TypeVar("Class", bound=Translator)
ENTRY_POINT = "tf_translate.methods"
DISTILLED = "distilled_"  # before the name of a method: its form with students
LAYOUTS = {
    "paired": "pairs",
    "unpaired": "two unpaired sets",
    "attributes": "one set with attributes",
    "images": "one set of images",
}
ALSO_NEEDS = {  # what the data of a layout may have, and some methods need
    "labels": "labels of a, or a feature extractor that was trained before",
    "object": "an object that the images of one set show and those of the other lack",
}
_PACKAGE = "tf_translate"
_REGISTERED: dict[str, "Method"] = {}


@dataclass(frozen=True)
class Method:
    """A registered method.

    Attributes:
        name: Name on the command line.
        title: Name in the literature.
        paper: Authors and year.
        layout: Form of its data: "paired" (pairs of an image of each domain), "unpaired" (one set
            of images for each domain), "attributes" (one set of images with attributes) or "images"
            (one set of images alone).
        data: A short description of its data.
        keeps_content_by: A short text, such as "cycle and identity L1".
        reaches_domain_by: A short text, such as "LSGAN PatchGANs with an image pool".
        also_needs: What it needs besides its layout: keys of `ALSO_NEEDS`.
        translator: Its Translator class.
        settings: The class of its settings.
    """

    name: str
    title: str
    paper: str
    layout: str
    data: str
    keeps_content_by: str
    reaches_domain_by: str
    also_needs: tuple[str, ...]
    translator: type[Translator]
    settings: type[MethodSettings]


def register(
    name: str,
    *,
    settings: type[MethodSettings],
    layout: str,
    title: str = "",
    paper: str = "",
    data: str = "",
    keeps_content_by: str = "",
    reaches_domain_by: str = "",
    also_needs: tuple[str, ...] = (),
) -> Callable[[type[Class]], type[Class]]:
    """Makes a Translator class a method that `train`, `describe` and `export` know by name.

    It also registers the class with Keras, so that `.keras` files can hold it. The presets of a
    method outside this package are TOML files beside its module: `NAME.toml`, `NAME_*.toml`.

    Args:
        name: Lowercase letters, digits and underscores; not the name of another method.
        settings: The class of the method's settings.
        layout: "paired", "unpaired", "attributes" or "images", see `Method`.
        title, paper, data, keeps_content_by, reaches_domain_by: See `Method`. If empty, `title` is
            the name, and `data` follows from the layout.
        also_needs: See `Method`; `tf-translate advise` reads it.

    Raises:
        ValueError: If `name`, `layout` or `also_needs` is not as described.

    Example:
        ```python
        @register("cut", settings=CUTSettings, layout="unpaired", title="CUT")
        class CUT(Translator):
            ...
        ```
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError(f"`name` must be lowercase letters, digits and underscores, got {name!r}")
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` must be one of {list(LAYOUTS)}, got {layout!r}")
    if not set(also_needs) <= set(ALSO_NEEDS):
        raise ValueError(f"`also_needs` must be among {list(ALSO_NEEDS)}, got {also_needs!r}")

    def decorate(cls: type[Class]) -> type[Class]:
        other = _REGISTERED.get(name)
        if other is not None and _qualified_name(other.translator) != _qualified_name(cls):
            raise ValueError(
                f"`name` must be new, {name!r} is that of {_qualified_name(other.translator)}"
            )
        cls.method, cls.layout, cls.settings_class = name, layout, settings
        package = cls.__module__.partition(".")[0]
        if package != _PACKAGE:
            file = getattr(sys.modules[cls.__module__], "__file__", None)
            if file is not None:  # a notebook has none, and no presets beside it
                add_preset_folder(name, Path(file).parent)
        _REGISTERED[name] = Method(
            name=name,
            title=title or name,
            paper=paper,
            layout=layout,
            data=data or LAYOUTS[layout],
            keeps_content_by=keeps_content_by,
            reaches_domain_by=reaches_domain_by,
            also_needs=tuple(also_needs),
            translator=cls,
            settings=settings,
        )
        return keras.saving.register_keras_serializable(package)(cls)

    return decorate


def names() -> list[str]:
    """Names of all methods, without loading them."""
    return sorted({*_shipped(), *_installed(), *_REGISTERED})


def find(name: str) -> Method:
    """Finds a method by name and loads it.

    Before the name of a method, "distilled_" finds its form with students, which `names` leaves
    out (see `tf_translate.distillation`).

    Raises:
        UnknownMethodError: If there is no method of that name; the nearest name is suggested.
    """
    if name not in _REGISTERED:
        if name in _shipped():
            importlib.import_module(f"{_PACKAGE}.methods.{name}")
        elif name.startswith(DISTILLED):
            return importlib.import_module(f"{_PACKAGE}.distillation.find").distilled(name)
        elif name in _installed():
            _installed()[name].load()
    if name not in _REGISTERED:
        near = get_close_matches(name, names(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownMethodError(
            f"there is no method {name!r}, only {names()}{hint} (a method in a file of yours "
            "needs `tf-translate --import FILE.py`)"
        )
    return _REGISTERED[name]


def all_methods() -> dict[str, Method]:
    """All methods by name, loaded."""
    return {name: find(name) for name in names()}


def _shipped() -> list[str]:
    modules = pkgutil.iter_modules(tf_translate.methods.__path__)
    return [module.name for module in modules if module.name != "registry"]


def _installed() -> dict:
    return {point.name: point for point in entry_points(group=ENTRY_POINT)}


def _qualified_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
