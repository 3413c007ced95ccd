"""The files that `tf-translate translate` reads and writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tf_translate.cli.output import print_found
from tf_translate.errors import DataError

_SAMPLES = "samples:"


@dataclass(frozen=True)
class Source:
    """An image to translate.

    Attributes:
        file: Its path.
        name: The path of its result below `--output`, without ending: that of the file below the
            folder that was given, or its name if the file was given.
    """

    file: Path
    name: Path


@dataclass(frozen=True)
class Job:
    """An image to translate, and by output of the model the file to write."""

    file: Path
    outputs: Mapping[str, Path]


def find_sources(paths: Sequence[Path], output: Path) -> list[Source]:
    """Finds all images in `paths`: files as they are, folders with the images below them, sorted.

    `samples:NAME` is a data set that comes with the library: its test images of domain a.

    Says on stderr what each folder holds. Images below `output` are results of an earlier call and
    are left out, which is said too.

    Raises:
        DataError: If a path or data set does not exist, or a folder holds no image.
    """
    sources: list[Source] = []
    for path in paths:
        if not path.exists() and str(path).startswith(_SAMPLES):
            sources += _of_samples(str(path).removeprefix(_SAMPLES))
            continue
        if not path.exists():
            raise DataError(f"there is no image or folder {path}")
        sources += _in_folder(path, output) if path.is_dir() else [Source(path, Path(path.stem))]
    return sources


def _of_samples(name: str) -> list[Source]:
    from tf_translate.data.shipped_samples import held_out_images

    files = held_out_images(name)
    print_found(f"{_SAMPLES}{name}: {len(files)} test images")
    return [Source(file, Path(file.stem)) for file in files]


def _in_folder(folder: Path, output: Path) -> list[Source]:
    from tf_translate.image_files import find_images

    found = find_images(folder)
    print_found(str(found))
    results = output.resolve()
    files = [
        (folder / name, Path(name).with_suffix(""))
        for name in found.names
        if not (folder / name).parent.resolve().is_relative_to(results)
    ]
    if len(files) < len(found.names):
        print_found(
            f"{len(found.names) - len(files)} of these are below --output {output} and are not "
            "translated again"
        )
    return [Source(*file) for file in files]


def plan_jobs(
    sources: Sequence[Source], output: Path, endings: Mapping[str, str], *, skip_existing: bool
) -> list[Job]:
    """Decides which files to write, before any is written.

    Args:
        sources: The images.
        output: The folder of the results; sub-folders are mirrored below it.
        endings: By output of the model, the text to append to the name of the image.
        skip_existing: Whether outputs that exist are passed over; otherwise they are an error. An
            image is left out if all its outputs exist.

    Returns:
        The images to translate, each with the outputs to write.

    Raises:
        DataError: If two images would be written to one file, or (without `skip_existing`) a file
            exists.
    """
    planned: dict[Path, Path] = {}
    jobs = []
    for source in sources:
        outputs = {
            name: output / source.name.with_name(f"{source.name.name}{ending}.png")
            for name, ending in endings.items()
        }
        for path in outputs.values():
            if path in planned:
                raise DataError(
                    f"{planned[path]} and {source.file} would both be written as {path}; rename "
                    "one, or translate them into different --output folders"
                )
            planned[path] = source.file
        jobs.append(Job(source.file, outputs))
    return _without_existing(jobs) if skip_existing else _all_new(jobs)


def _all_new(jobs: list[Job]) -> list[Job]:
    existing = [path for job in jobs for path in job.outputs.values() if _exists(path)]
    if existing:
        raise DataError(
            f"{existing[0]} exists already; choose another --output, or pass over the images that "
            "are done with --skip-existing"
        )
    return jobs


def _without_existing(jobs: list[Job]) -> list[Job]:
    left = []
    for job in jobs:
        missing = {name: path for name, path in job.outputs.items() if not path.is_file()}
        taken = [path for path in missing.values() if _exists(path)]
        if taken:
            raise DataError(f"{taken[0]} exists and is no file; choose another --output")
        if missing:
            left.append(Job(job.file, missing))
    if len(left) < len(jobs):
        print_found(f"{len(jobs) - len(left)} of {len(jobs)} images are translated already")
    return left


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()
