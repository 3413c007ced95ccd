"""A minimal Android project that uses the model of a bundle."""

from exporters.android.project import write_android_project

__all__ = ["write_android_project"]
