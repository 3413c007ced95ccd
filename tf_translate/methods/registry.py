"""The list of methods; adding one touches its file and one line here."""

import importlib
from dataclasses import dataclass
from difflib import get_close_matches

from tf_translate.config.settings import MethodSettings
from tf_translate.core.translator import Translator
from tf_translate.errors import UnknownMethodError


@dataclass(frozen=True)
class Entry:
    """Where a method is written.

    Attributes:
        name: Name on the command line.
        title: Name in the field.
        translator: Class of the method in it.
        settings: Class of the method's settings in it.
        layout: Form of its data: "paired", "unpaired", "attributes" or "images" (one set as it is).
    """

    name: str
    title: str
    translator: str
    settings: str
    layout: str

    def load(self) -> tuple[type[Translator], type[MethodSettings]]:
        """Imports the method: its Translator class and its Settings class."""
        module = importlib.import_module(f"tf_translate.methods.{self.name}")
        return getattr(module, self.translator), getattr(module, self.settings)


METHODS = {
    entry.name: entry
    for entry in (
        Entry("pix2pix", "pix2pix", "Pix2Pix", "Pix2PixSettings", "paired"),
        Entry("cyclegan", "CycleGAN", "CycleGAN", "CycleGANSettings", "unpaired"),
        Entry("dualgan", "DualGAN", "DualGAN", "DualGANSettings", "unpaired"),
        Entry("discogan", "DiscoGAN", "DiscoGAN", "DiscoGANSettings", "unpaired"),
        Entry("dtn", "DTN", "DTN", "DTNSettings", "unpaired"),
        Entry("fader", "Fader Networks", "Fader", "FaderSettings", "attributes"),
        Entry("icgan", "IcGAN", "IcGAN", "IcGANSettings", "attributes"),
        Entry("age_cgan", "Age-cGAN", "AgeCGAN", "AgeCGANSettings", "attributes"),
        Entry("genegan", "GeneGAN", "GeneGAN", "GeneGANSettings", "unpaired"),
        Entry("ian", "IAN", "IAN", "IANSettings", "images"),
    )
}


def find(name: str) -> Entry:
    """Finds a method by name.

    Raises:
        UnknownMethodError: If there is none of that name; the nearest is named.
    """
    if name not in METHODS:
        near = get_close_matches(name, METHODS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownMethodError(f"there is no method {name!r}, only {sorted(METHODS)}{hint}")
    return METHODS[name]
