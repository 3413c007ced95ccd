"""Words that a shell completes, once `tf-translate --install-completion` was run."""

from collections.abc import Iterator


def complete_presets(incomplete: str) -> Iterator[str]:
    """Presets, and methods, which stand for their small preset."""
    from tf_translate.config.load import presets

    names = presets()
    methods = (name.removesuffix("_small") for name in names if name.endswith("_small"))
    return (name for name in sorted({*names, *methods}) if name.startswith(incomplete))


def complete_tasks(incomplete: str) -> Iterator[str]:
    """The shipped tasks of `compare`."""
    from tf_translate.config.task import tasks

    return (name for name in tasks() if name.startswith(incomplete))
