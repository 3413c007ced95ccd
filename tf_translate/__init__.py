"""Translate images between domains with GANs and ship the result to a device.

The public names below are loaded when they are first used, so that the command line
answers before TensorFlow is there.
"""

import importlib
from typing import Any

from tf_translate.version import __version__

_PLACES = {
    "AgeCGAN": "methods.age_cgan",
    "AgeCGANSettings": "methods.age_cgan",
    "CycleGAN": "methods.cyclegan",
    "CycleGANSettings": "methods.cyclegan",
    "DTN": "methods.dtn",
    "DTNSettings": "methods.dtn",
    "DataConfig": "config.data",
    "DiscoGAN": "methods.discogan",
    "DiscoGANSettings": "methods.discogan",
    "DualGAN": "methods.dualgan",
    "DualGANSettings": "methods.dualgan",
    "Fader": "methods.fader",
    "FaderSettings": "methods.fader",
    "GeneGAN": "methods.genegan",
    "GeneGANSettings": "methods.genegan",
    "IAN": "methods.ian",
    "IANSettings": "methods.ian",
    "IcGAN": "methods.icgan",
    "IcGANSettings": "methods.icgan",
    "Pix2Pix": "methods.pix2pix",
    "Pix2PixSettings": "methods.pix2pix",
    "Player": "core.player",
    "Signature": "core.signature",
    "LossTerm": "core.loss_terms",
    "TranslateError": "errors",
    "Translator": "core.translator",
    "image_signature": "core.signature",
    "load_legacy": "legacy.loading",
    "make_strategy": "training.strategy",
    "open_data": "data.domain_dataset",
    "open_image_dataset": "data.image_dataset",
    "open_attribute_dataset": "data.attribute_dataset",
}

__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'tf_translate' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tf_translate.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
