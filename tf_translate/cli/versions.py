"""Versions of the packages that results depend on."""

from importlib import metadata

from tf_translate.version import __version__

_PACKAGES = {"TensorFlow": "tensorflow", "Keras": "keras", "LiteRT": "ai-edge-litert"}


def versions() -> dict[str, str]:
    """Version of tf_translate, TensorFlow, Keras and LiteRT, without loading them."""
    return {"tf_translate": __version__, **{name: _version(of) for name, of in _PACKAGES.items()}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # such as tf-nightly in place of tensorflow
        return "not installed"
