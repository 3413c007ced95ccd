"""What can be asked of a data set that is fetched or drawn."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from tf_translate.errors import DataError

Progress = Callable[[int, int], None]  # (images done, images in all)


@dataclass(frozen=True)
class Wanted:
    """How a data set is laid out; None where there is nothing to choose.

    Attributes:
        size: Side of the images in pixels.
        number: How many people or icons.
        style: Which of the styles there are.
    """

    size: int | None = None
    number: int | None = None
    style: str | None = None

    def label(self) -> str:
        """For the name of a folder, as `-64px-600-outlined`."""
        size = f"{self.size}px" if self.size else None
        return "".join(f"-{part}" for part in (size, self.number, self.style) if part)


# Smallest and largest that make sense.
SIZES = (16, 1024)
NUMBERS = (10, 1_000_000)


def chosen(name: str, defaults: Wanted, asked: Wanted, styles: tuple[str, ...]) -> Wanted:
    """What was asked for, and the defaults for the rest.

    Raises:
        DataError: If a data set does not take what was asked, or not this value.
    """
    given = {key: value for key, value in asdict(asked).items() if value is not None}
    takes = [key for key, value in asdict(defaults).items() if value is not None]
    for key in given:
        if key not in takes:
            said = f"only {', '.join(f'--{one}' for one in takes)}" if takes else "no choices"
            raise DataError(f"{name} takes {said}, got --{key} {given[key]}: leave it out")
    wanted = replace(defaults, **given)
    for key, value, (least, most) in (
        ("size", wanted.size, SIZES),
        ("number", wanted.number, NUMBERS),
    ):
        if value is not None and not least <= value <= most:
            raise DataError(f"--{key} must be from {least} to {most}, got {value}")
    if wanted.style is not None and wanted.style not in styles:
        raise DataError(f"--style of {name} must be one of {', '.join(styles)}, got {wanted.style}")
    return wanted
