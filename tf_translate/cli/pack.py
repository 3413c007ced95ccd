"""`tf-translate data pack`: packs many small image files into a few large files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tf_translate.cli.output import (
    JSON_HELP,
    counted_progress,
    load_tensorflow,
    message_console,
    print_found,
    print_json,
    print_notice,
)
from tf_translate.config.data import Aspect, Interpolation
from tf_translate.errors import DataError

if TYPE_CHECKING:
    from tf_translate.data.packed.index import Index
    from tf_translate.data.packed.writer import PackingOptions

NAME = "pack"
_MEBIBYTE = 2**20
_SIDES = (1, 8192)


DataPath = Annotated[
    str,
    typer.Argument(
        metavar="PATH", help="As data.path: a folder, a table, samples:NAME or tfds:NAME."
    ),
]
NewFolder = Annotated[Path, typer.Option(help="Folder to write; must be new.")]
Layout = Annotated[
    str,
    typer.Option(
        help="What PATH is: ab_folders, side_by_side, named_pairs, table, attributes, tfds; "
        "images or ages for one set of images in folders. auto: detect the layout."
    ),
]
Size = Annotated[
    tuple[int, int] | None,
    typer.Option(
        metavar="H W",
        help="Store images resized to this data.size, lossless, instead of the original files.",
    ),
]
AspectName = Annotated[
    str,
    typer.Option("--aspect", help="With --size: the data.aspect, stretch, letterbox or crop."),
]
InterpolationOfA = Annotated[
    str, typer.Option(help="With --size: the data.interpolation_a, bicubic or nearest.")
]
InterpolationOfB = Annotated[
    str, typer.Option(help="With --size: the data.interpolation_b, bicubic or nearest.")
]
WhiteLevel = Annotated[
    int | None, typer.Option(min=1, max=65535, help="With --size: the data.white_level.")
]
LoadSize = Annotated[
    tuple[int, int] | None,
    typer.Option(metavar="H W", help="Also store images at this data.load_size."),
]
Channels = Annotated[
    list[int] | None,
    typer.Option(help="With --size: channels to store, 1, 3 or 4; may be repeated. Default 3."),
]
ShardSize = Annotated[int, typer.Option(help="Approximate size of one file, in MiB.")]
OnError = Annotated[
    str,
    typer.Option(
        help="Damaged images: stop and name them, or skip: record them as damaged and let "
        "data.on_error decide when the set is read."
    ),
]
FeatureOfA = Annotated[str | None, typer.Option(help="tfds: image feature of a.")]
FeatureOfB = Annotated[str | None, typer.Option(help="tfds: image feature of b.")]
LabelColumn = Annotated[
    str | None, typer.Option(help="tfds:A->B: the feature that holds the labels.")
]


def main(
    path: DataPath,
    output: NewFolder,
    layout: Layout = "auto",
    size: Size = None,
    load_size: LoadSize = None,
    aspect: AspectName = "stretch",
    interpolation_a: InterpolationOfA = "bicubic",
    interpolation_b: InterpolationOfB = "bicubic",
    white_level: WhiteLevel = None,
    channels: Channels = None,
    shard_size: ShardSize = 256,
    on_error: OnError = "stop",
    tfds_a: FeatureOfA = None,
    tfds_b: FeatureOfB = None,
    label_column: LabelColumn = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Pack many small image files into a few large files; data.path takes the folder.

    Training on the packed folder gets the same images, splits, labels and order as on PATH,
    bit for bit. A resized set can be read only at the sizes and channels it was packed with.

    Examples:

      tf-translate data pack my/folder --output packed

      tf-translate data pack my/folder --output packed --size 256 256 --load-size 286 286

      tf-translate train cyclegan --set data.path=packed
    """
    load_tensorflow()
    from tf_translate.data.packed.packing_input import count_left_out, describe_found, find_to_pack
    from tf_translate.data.packed.writer import check_is_new, pack
    from tf_translate.image_files import printable

    resizing = _resizing(size, aspect, interpolation_a, interpolation_b, white_level)
    packing = _packing(size, load_size, resizing, channels, shard_size, on_error)
    check_is_new(output)
    features = {"tfds_a": tfds_a, "tfds_b": tfds_b, "label_column": label_column}
    data, found_layout = find_to_pack(path, layout, **{k: v for k, v in features.items() if v})
    for line in describe_found(data):
        print_found(line)
    damaged: list[str] = []
    with counted_progress(f"packing {path}") as progress:
        index = pack(
            data,
            output,
            packing,
            layout=found_layout,
            progress=progress,
            damaged=damaged.append,
            report=print_found,
        )
    if damaged:
        print_notice(f"recorded as damaged: {len(damaged)} (first: {printable(damaged[0])})")
    _report(index, output, as_json, count_left_out(data), len(damaged))


def _report(
    index: "Index",
    output: Path,
    as_json: bool,
    left_out: dict[str, dict[str, int]],
    damaged: int,
) -> None:
    """Prints what was packed and how to use it."""
    total = sum(shard.bytes for shard in index.shards)
    if as_json:
        counts = {"layout": index.layout, "images": index.images, "shards": len(index.shards)}
        found = {"damaged": damaged, "left_out": left_out}
        print_json({"output": str(output), **counts, "bytes": total, **found})
        return
    message_console(json_on_stdout=True).print(
        f"{index.images} images ({index.layout}) in {len(index.shards)} files, "
        f"{total / _MEBIBYTE:.1f} MiB; next: --set data.path={output}",
        soft_wrap=True,
    )
    print(output)


def _resizing(
    size: tuple[int, int] | None,
    aspect: str,
    interpolation_a: str,
    interpolation_b: str,
    white_level: int | None,
) -> dict[str, Any]:
    """Checks the options that say how images are resized; `DataError` names an invalid one."""
    choices = {
        "--aspect": (aspect, get_args(Aspect)),
        "--interpolation-a": (interpolation_a, get_args(Interpolation)),
        "--interpolation-b": (interpolation_b, get_args(Interpolation)),
    }
    for option, (value, known) in choices.items():
        if value not in known:
            raise DataError(f"{option} must be one of {', '.join(known)}, got {value!r}")
    given = {option: value != known[0] for option, (value, known) in choices.items()}
    for option, is_given in {**given, "--white-level": white_level is not None}.items():
        if is_given and not size:
            raise DataError(f"{option} needs --size H W: without it the original files are stored")
    return {
        "aspect": aspect,
        "interpolation_a": interpolation_a,
        "interpolation_b": interpolation_b,
        "white_level": white_level,
    }


def _packing(
    size: tuple[int, int] | None,
    load_size: tuple[int, int] | None,
    resizing: dict[str, Any],
    channels: list[int] | None,
    shard_size: int,
    on_error: str,
) -> "PackingOptions":
    """Checks the options and combines them; `DataError` names an invalid one."""
    from tf_translate.data.packed.writer import PackingOptions

    if not size and (load_size or channels):
        option = "--load-size" if load_size else "--channels"
        raise DataError(f"{option} needs --size H W: without it the original files are stored")
    for option, sides in (("--size", size), ("--load-size", load_size)):
        if sides and not all(_SIDES[0] <= side <= _SIDES[1] for side in sides):
            raise DataError(f"{option} must be from {_SIDES[0]} to {_SIDES[1]}, got {sides}")
    if size and load_size and (load_size[0] < size[0] or load_size[1] < size[1]):
        raise DataError(f"--load-size must be at least --size {size}, got {load_size}")
    invalid = [count for count in channels or [] if count not in (1, 3, 4)]
    if invalid:
        raise DataError(f"--channels must be 1, 3 or 4, got {invalid[0]}")
    if shard_size < 1:
        raise DataError(f"--shard-size must be at least 1 (MiB), got {shard_size}")
    if on_error not in ("stop", "skip"):
        raise DataError(f"--on-error must be stop or skip, got {on_error!r}")
    return PackingOptions(
        sizes=tuple(dict.fromkeys(sides for sides in (size, load_size) if sides)),
        **resizing,
        channels=tuple(dict.fromkeys(channels or (3,))) if size else (),  # type: ignore[arg-type]
        shard_bytes=shard_size * _MEBIBYTE,
        on_error=on_error,  # type: ignore[arg-type]
    )
