"""Translate images between domains with GANs and ship the result to a device.

The public names below are loaded when they are first used, so that the command line
answers before TensorFlow is there.
"""

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_translate.version import __version__

if TYPE_CHECKING:  # what `__getattr__` loads, for type checkers and editors
    from tf_translate.config.data import DataConfig as DataConfig
    from tf_translate.config.settings import AdamSettings as AdamSettings
    from tf_translate.config.settings import RMSpropSettings as RMSpropSettings
    from tf_translate.core.loss_terms import LossTerm as LossTerm
    from tf_translate.core.loss_terms import Role as Role
    from tf_translate.core.loss_terms import content as content
    from tf_translate.core.loss_terms import domain as domain
    from tf_translate.core.loss_terms import regularization as regularization
    from tf_translate.core.player import Player as Player
    from tf_translate.core.signature import Signature as Signature
    from tf_translate.core.signature import image_signature as image_signature
    from tf_translate.core.translator import Translator as Translator
    from tf_translate.data.attribute_dataset import open_attribute_dataset as open_attribute_dataset
    from tf_translate.data.domain_dataset import open_domain_dataset as open_domain_dataset
    from tf_translate.data.image_dataset import open_image_dataset as open_image_dataset
    from tf_translate.errors import TranslateError as TranslateError
    from tf_translate.evaluation.evaluate_images import evaluate_images as evaluate_images
    from tf_translate.evaluation.judges.judges import JudgeSettings as JudgeSettings
    from tf_translate.experiment.from_preset import from_preset as from_preset
    from tf_translate.experiment.zoo import from_zoo as from_zoo
    from tf_translate.legacy.loading import load_legacy as load_legacy
    from tf_translate.methods.age_cgan import AgeCGAN as AgeCGAN
    from tf_translate.methods.age_cgan import AgeCGANSettings as AgeCGANSettings
    from tf_translate.methods.cyclegan import CycleGAN as CycleGAN
    from tf_translate.methods.cyclegan import CycleGANSettings as CycleGANSettings
    from tf_translate.methods.discogan import DiscoGAN as DiscoGAN
    from tf_translate.methods.discogan import DiscoGANSettings as DiscoGANSettings
    from tf_translate.methods.dtn import DTN as DTN
    from tf_translate.methods.dtn import DTNSettings as DTNSettings
    from tf_translate.methods.dualgan import DualGAN as DualGAN
    from tf_translate.methods.dualgan import DualGANSettings as DualGANSettings
    from tf_translate.methods.fader import Fader as Fader
    from tf_translate.methods.fader import FaderSettings as FaderSettings
    from tf_translate.methods.genegan import GeneGAN as GeneGAN
    from tf_translate.methods.genegan import GeneGANSettings as GeneGANSettings
    from tf_translate.methods.ian import IAN as IAN
    from tf_translate.methods.ian import IANSettings as IANSettings
    from tf_translate.methods.icgan import IcGAN as IcGAN
    from tf_translate.methods.icgan import IcGANSettings as IcGANSettings
    from tf_translate.methods.pix2pix import Pix2Pix as Pix2Pix
    from tf_translate.methods.pix2pix import Pix2PixSettings as Pix2PixSettings
    from tf_translate.methods.registry import register as register
    from tf_translate.training.strategy import make_strategy as make_strategy

_MODULES = {
    "AdamSettings": "config.settings",
    "content": "core.loss_terms",
    "DataConfig": "config.data",
    "domain": "core.loss_terms",
    "evaluate_images": "evaluation.evaluate_images",
    "from_preset": "experiment.from_preset",
    "from_zoo": "experiment.zoo",
    "image_signature": "core.signature",
    "load_legacy": "legacy.loading",
    "JudgeSettings": "evaluation.judges.judges",
    "LossTerm": "core.loss_terms",
    "make_strategy": "training.strategy",
    "open_attribute_dataset": "data.attribute_dataset",
    "open_domain_dataset": "data.domain_dataset",
    "open_image_dataset": "data.image_dataset",
    "Player": "core.player",
    "regularization": "core.loss_terms",
    "register": "methods.registry",
    "RMSpropSettings": "config.settings",
    "Role": "core.loss_terms",
    "Signature": "core.signature",
    "TranslateError": "errors",
    "Translator": "core.translator",
}


def _classes_of_methods() -> dict[str, str]:
    """The public classes of `methods/*.py` with their modules, read without importing them."""
    files = sorted(Path(__file__).with_name("methods").glob("[!_]*.py"))
    return {
        name: f"methods.{file.stem}"
        for file in files
        if file.stem != "registry"
        for name in re.findall(r"^class ([A-Z]\w*)\(", file.read_text("utf-8"), re.MULTILINE)
    }


_MODULES |= _classes_of_methods()

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'tf_translate' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tf_translate.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
