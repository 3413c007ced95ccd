"""`tf-translate verify`: checks that a bundle computes what the trained model does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from tf_translate.cli.export import JUDGES_FOLDER
from tf_translate.cli.model_limits import (
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_TIME_LIMIT,
    MemoryLimit,
    TimeLimit,
    make_limits,
)
from tf_translate.cli.output import (
    JSON_HELP,
    load_tensorflow,
    message_console,
    print_found,
    print_json,
    wrapping_table,
)
from tf_translate.cli.translate import recorded_white_level

NAME = "verify"
MAX_IMAGES = 64
_NO_JUDGES = (
    "the bundle has no judges, so changes of content and domain metrics are not measured: "
    "evaluate the run before it is exported"
)

BundleFolder = Annotated[Path, typer.Argument(help="A bundle made by `export`.")]
ImageFolders = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[SIGNATURE=]FOLDER",
        help="Folder of further images to replay; the bundle's SavedModel computes the expected "
        f"outputs. At most {MAX_IMAGES} evenly spaced files are used. a_to_b=FOLDER is for that "
        "signature only; may be repeated.",
    ),
]
Sheet = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.png",
        help="Write golden images side by side: Keras, each artifact, difference times 8; "
        "outside the bundle, which stays as it was exported.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def main(
    bundle: BundleFolder,
    images: ImageFolders = None,
    sheet: Sheet = None,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    memory_limit: MemoryLimit = DEFAULT_MEMORY_LIMIT,
    as_json: AsJson = False,
) -> None:
    """Check every file's hash and its outputs on golden inputs; exit 1 if a check fails.

    Golden outputs are those of the trained model.

    Models run in child processes with limits of time and memory, and only if they hold nothing
    but operations that `export` writes.

    Examples:

      tf-translate verify bundles/emoji

      tf-translate verify bundles/emoji --images photos --sheet emoji.png --json

      tf-translate verify bundles/emoji --images a_to_b=photos --images b_to_a=drawings
    """
    import exporters

    opened = exporters.open_bundle(bundle)
    by_signature, count = _images(opened, _folders(opened, images or []))
    judge, judge_status = _judge(opened)
    verification = exporters.verify(
        bundle,
        images=by_signature,
        judge=judge,
        sheet=sheet,
        limits=make_limits(time_limit, memory_limit),
    )
    written = str(sheet) if sheet is not None and sheet.is_file() else None
    if as_json:
        content = verification.as_dict()
        print_json(content | {"judges": judge_status, "images": count, "sheet": written})
    else:
        _show(verification, judge_status)
        if written:
            message_console().print(f"sheet: {written}")
    raise typer.Exit(0 if verification.passed else 1)


def _folders(bundle, texts: list[str]) -> dict[str, Path]:
    """The folder of images of each float signature.

    A folder without a signature's name is for all signatures that have no named folder.

    Raises:
        ConfigError: If a signature is unknown or takes no images, or has two folders.
    """
    from tf_translate.errors import ConfigError

    known = list(_channels(bundle))
    named: dict[str | None, str] = {}
    for text in texts:
        start, equals, rest = text.partition("=")
        signature = start if equals and start in known else None
        if equals and signature is None and not Path(text).is_dir():
            raise ConfigError(
                f"--images {text} names {start!r}, and the signatures of {bundle.root} that take "
                f"images are {', '.join(known) or 'none'}"
            )
        folder = text if signature is None else rest
        if signature in named:
            owner = "all signatures" if signature is None else signature
            hint = f"; or name the signature of each, as in {known[0]}={folder}" if known else ""
            raise ConfigError(
                f"--images names two folders for {owner}, {named[signature]} and {folder}; leave "
                f"one of them out{hint if signature is None else ''}"
            )
        named[signature] = folder
    folders = {name: named.get(name, named.get(None)) for name in known}
    return {name: Path(folder) for name, folder in folders.items() if folder is not None}


def _images(bundle, folders: Mapping[str, Path]) -> tuple[dict[str, list[np.ndarray]], int]:
    """Images for each signature with as many channels as it takes, and how many were read.

    16-bit images have the level of white of the run that was exported.
    """
    from tf_translate.errors import DataError
    from tf_translate.image_files import find_images
    from tf_translate.image_notices import Notices, collect_notices
    from tf_translate.images import read

    notices = Notices()
    white_level = recorded_white_level(bundle.manifest.source)
    found = {}
    cache: dict[tuple[Path, int], list[np.ndarray]] = {}
    images: dict[str, list[np.ndarray]] = {}
    for name, folder in folders.items():
        if not folder.is_dir():
            raise DataError(f"there is no folder {folder} of images to verify with")
        if folder not in found:
            found[folder] = find_images(folder)
            unused = len(found[folder].names) > MAX_IMAGES
            print_found(f"{found[folder]}" + (f"; {MAX_IMAGES} are used" if unused else ""))
        paths = found[folder].paths
        count = min(len(paths), MAX_IMAGES)
        indices = np.linspace(0, len(paths) - 1, count).round().astype(int)
        for channels in _channels(bundle)[name]:
            key = (folder, channels)
            if key not in cache:
                with collect_notices(notices):
                    cache[key] = [
                        read(paths[index], channels=channels, white_level=white_level)
                        for index in indices
                    ]
            images.setdefault(name, []).extend(cache[key])
    for sentence in notices.sentences():
        print_found(sentence)
    return images, sum(map(len, cache.values()))


def _channels(bundle) -> dict[str, list[int]]:
    """Numbers of channels of the image inputs of each float signature that has some."""
    from exporters.bundle.signatures import is_image

    by_signature = {
        name: sorted({tensor.shape[-1] for tensor in record.inputs if is_image(tensor)})
        for name, record in bundle.manifest.signatures.items()
        if record.pixels_of is None
    }
    return {name: channels for name, channels in by_signature.items() if channels}


def _judge(bundle):
    """The judges in the bundle, or None, and a sentence on their status."""
    files = [path for path in bundle.manifest.files if path.startswith(f"{JUDGES_FOLDER}/")]
    if not files:
        return None, _NO_JUDGES
    load_tensorflow()  # which the models do not need here: they run in child processes
    from exporters.bundle.npz import read as read_arrays
    from exporters.errors import BundleError
    from tf_translate.evaluation.judges.exported_judges import (
        INDEX_FILE,
        ExportedJudges,
        read_index,
    )

    index = f"{JUDGES_FOLDER}/{INDEX_FILE}"
    if index not in files:
        return None, _NO_JUDGES
    if any(bundle.fault_of(path) for path in files):
        return None, "the bundle's judges are damaged and were not used"

    def read(name: str, forms: Mapping) -> Mapping[str, np.ndarray]:
        path = f"{JUDGES_FOLDER}/{name}"
        if path not in files:
            raise BundleError(f"{index} names the judge {path}, which is not in the bundle")
        return read_arrays(bundle.read(path), forms, path)

    directions = read_index(bundle.read(index), bundle.root / index)
    labels = {
        name: {tensor.name: tensor.labels for tensor in record.inputs if tensor.labels}
        for name, record in bundle.manifest.signatures.items()
    }
    named = ", ".join(directions.directions)
    return ExportedJudges(directions, read, labels), f"judges of the run's evaluation: {named}"


def _show(verification, judge_status: str) -> None:
    console = message_console()
    console.print(_outputs(verification))
    if verification.judge_metrics:
        console.print(_judge_metrics(verification))
    console.print(judge_status)
    for failure in verification.failures:
        console.print(f"fails: {failure}")
    for each in verification.failing_recipes:
        console.print(each.sentence(), soft_wrap=True)
    console.print("verified" if verification.passed else "not verified")


def _outputs(verification) -> Table:
    """Differences on golden cases; PSNR also on held-out images and on images passed."""
    has_images = any(check.images for check in verification.outputs)
    columns = ["artifact signature output", "max", "mean", "PSNR dB", "held-out"]
    table = wrapping_table(*columns, *(["images"] if has_images else []), "SSIM", "colour", "")
    for check in verification.outputs:
        real = check.held_out or check.golden
        table.add_row(
            f"{check.artifact} {check.signature} {check.output}",
            f"{check.max_abs:.2g}",
            f"{check.mean_abs:.2g}",
            f"{check.psnr:.1f}",
            f"{check.held_out.psnr:.1f}" if check.held_out else "–",
            *([f"{check.images.psnr:.1f}" if check.images else "–"] if has_images else []),
            "–" if real.ssim is None else f"{real.ssim:.4f}",
            "–" if real.colour_shift is None else f"{max(real.colour_shift, key=abs):+.2g}",
            "ok" if check.passed else "fails",
        )
    return table


def _judge_metrics(verification) -> Table:
    columns = ("artifact signature", "judge's metric", "images", "Keras", "here", "change")
    table = wrapping_table(*columns, names=2)
    for each in verification.judge_metrics:
        values = (f"{each.original:.3f}", f"{each.value:.3f}", f"{each.change:+.3f}")
        names = f"{each.artifact} {each.signature}"
        table.add_row(names, each.metric, str(each.cases), *values)
    return table
