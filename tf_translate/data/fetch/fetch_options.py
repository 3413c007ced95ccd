"""Options of a data set that is fetched or rendered."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from tf_translate.errors import DataError

Progress = Callable[[int, int], None]  # (images done, images in all)


@dataclass(frozen=True)
class FetchOptions:
    """Options of a data set; None for an option that is not set or not available.

    Attributes:
        size: Side of the images in pixels.
        number: Number of people or icons.
        style: Name of a style.
    """

    size: int | None = None
    number: int | None = None
    style: str | None = None

    def folder_suffix(self) -> str:
        """Returns the suffix of the folder name, for example `-64px-600-outlined`."""
        size = f"{self.size}px" if self.size else None
        return "".join(f"-{part}" for part in (size, self.number, self.style) if part)


# Smallest and largest allowed values.
SIZES = (16, 1024)
NUMBERS = (10, 1_000_000)


def resolve_options(
    name: str, defaults: FetchOptions, requested: FetchOptions, styles: tuple[str, ...]
) -> FetchOptions:
    """Fills options that were not requested with the defaults.

    Raises:
        DataError: If the data set does not have a requested option, or the value is invalid.
    """
    set_options = {key: value for key, value in asdict(requested).items() if value is not None}
    available = [key for key, value in asdict(defaults).items() if value is not None]
    for key in set_options:
        if key not in available:
            names = ", ".join(f"--{option}" for option in available)
            raise DataError(
                f"{name} has {f'only the options {names}' if names else 'no options'}, "
                f"got --{key} {set_options[key]}: leave it out"
            )
    options = replace(defaults, **set_options)
    for key, value, (least, most) in (
        ("size", options.size, SIZES),
        ("number", options.number, NUMBERS),
    ):
        if value is not None and not least <= value <= most:
            raise DataError(f"--{key} must be from {least} to {most}, got {value}")
    if options.style is not None and options.style not in styles:
        raise DataError(
            f"--style of {name} must be one of {', '.join(styles)}, got {options.style}"
        )
    return options
