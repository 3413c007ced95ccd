"""The version, alone so that setup.cfg can read it without TensorFlow."""

__version__ = "0.1.0"
