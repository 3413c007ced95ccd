"""`tf-translate doctor`: what is installed, what is missing, and whether training works here."""

import importlib.util
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tf_translate.cli.output import (
    JSON_HELP,
    load_tensorflow,
    message_console,
    print_json,
    progress_console,
    wrapping_table,
)
from tf_translate.cli.versions import versions

if TYPE_CHECKING:
    from tf_translate.experiment.check_devices import DeviceRun

NAME = "doctor"
_LEAST_MEMORY_GB = 2.0  # of the small presets, with TensorFlow
_LEAST_DISK_GB = 2.0  # of a run with checkpoints, and a bundle
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class Optional:
    """A program or package that some commands need.

    Attributes:
        name: For people.
        alternatives: Commands, or modules of Python, any of which will do.
        needed_for: What does not work without it.
        install: How to get it.
        is_package: Whether it is a package of Python.
    """

    name: str
    alternatives: tuple[str, ...]
    needed_for: str
    install: str
    is_package: bool = False

    @property
    def found(self) -> bool:
        """Whether one of the alternatives is installed."""
        find: Callable = importlib.util.find_spec if self.is_package else shutil.which
        return any(find(name) is not None for name in self.alternatives)


_EXTRA = "pip install -e '.[{}]', in the clone of the project"
OPTIONAL = (
    Optional("npm", ("npm",), "export --web, and icons of `data fetch`", "nodejs.org"),
    Optional(
        "a browser",
        ("chromium", "google-chrome", "firefox"),
        "`serve`, which shows a bundle's page; tests of the page need Chromium",
        "apt-get install chromium",
    ),
    Optional(
        "chromedriver", ("chromedriver",), "tests of pages", "apt-get install chromium-driver"
    ),
    Optional("java", ("java",), "checking Kotlin examples (scripts/check_kotlin)", "a Java 17"),
    Optional(
        "tensorflow-datasets",
        ("tensorflow_datasets",),
        "data sets as tfds:NAME, and presets *_paper that use them",
        _EXTRA.format("tfds"),
        is_package=True,
    ),
    Optional(
        "pyarrow", ("pyarrow",), "tables in .parquet", _EXTRA.format("parquet"), is_package=True
    ),
    Optional(
        "dicebear", ("dicebear",), "drawn heads of `data fetch`", _EXTRA.format("samples"), True
    ),
    Optional("resvg-py", ("resvg_py",), "drawings of `data fetch`", _EXTRA.format("samples"), True),
)


def main(as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False) -> None:
    """Check this computer: versions, devices, memory, what is missing, and 20 training steps.

    The steps are those of a small CycleGAN, on each device that TensorFlow finds. Every device is
    compared with the CPU. Exit code 0 if all is well, 1 if a check failed.
    """
    progress_console(json_on_stdout=True).print("loading TensorFlow and training 20 steps ...")
    report = _examine()
    if as_json:
        print_json(report)
    else:
        _show(report)
    raise typer.Exit(0 if report["passed"] else 1)


def _examine() -> dict[str, Any]:
    """All findings as JSON values."""
    load_tensorflow()
    from tf_translate.layers.cpu.processor import instruction_set

    memory, disk = available_memory_gb(), shutil.disk_usage(Path.cwd()).free / 1e9
    training, training_problems = check_training()
    problems = [
        *_version_problems(),
        *_resource_problems(memory, disk),
        *training_problems,
    ]
    return {
        "versions": {
            "Python": platform.python_version(),
            **versions(),
            "numpy": metadata.version("numpy"),
        },
        "processor": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "instructions": instruction_set(),
        },
        "memory_available_gb": memory,
        "disk_free_gb": round(disk, 1),
        "optional": [{**asdict(one), "found": one.found} for one in OPTIONAL],
        "training": training,
        "problems": problems,
        "passed": not problems,
    }


def available_memory_gb() -> float | None:
    """Memory that programs can still use, in GB; None where the system does not tell."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    kilobytes = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    found = next(kilobytes, None)
    return None if found is None else round(int(found) * 1024 / 1e9, 1)


def check_training() -> tuple[list[dict[str, Any]], list[str]]:
    """Trains on each device and compares it with the CPU.

    Returns:
        Findings for each device as JSON values, and a sentence for each problem.
    """
    import tensorflow as tf

    from tf_translate.experiment.check_devices import devices, train_on

    cpu, *others = devices()
    findings, problems = [], []
    reference = train_on(cpu)
    findings.append(_finding(reference, None))
    if not reference.finite:
        problems.append(
            f"losses or weights on {cpu} are not finite: reinstall tensorflow (pip install "
            "--force-reinstall tensorflow), or report this with the versions above"
        )
        return findings, problems
    for device in others:
        try:
            run = train_on(device, follow=reference)
        except tf.errors.OpError as error:
            reason = (error.message or type(error).__name__).splitlines()[0]
            findings.append({"device": device, "error": reason, "passed": False})
            problems.append(
                f"{device} cannot train ({reason}): update its driver and libraries, or train "
                "with --devices cpu:1"
            )
            continue
        finding = _finding(run, reference)
        findings.append(finding)
        if not finding["passed"]:
            problems.append(
                f"{device} computes something else than the CPU: update its driver and "
                "libraries, or train with --devices cpu:1"
            )
    return findings, problems


def _finding(run: "DeviceRun", reference: "DeviceRun | None") -> dict[str, Any]:
    """What was found about a device, as JSON values; None: it is the reference."""
    from tf_translate.experiment.check_devices import (
        LOSS_TOLERANCE,
        WEIGHT_TOLERANCE,
        compare,
    )

    steps = len(run.losses)
    found = {"device": run.device, "steps": steps, "seconds_per_step": run.seconds_per_step}
    if reference is None:
        return {**found, "finite": run.finite, "passed": run.finite}
    difference = compare(run, reference)
    return {
        **found,
        "finite": run.finite,
        "loss_difference": difference.loss_difference if run.finite else None,
        "loss_tolerance": LOSS_TOLERANCE,
        "weight_difference": difference.weight_difference if run.finite else None,
        "weight_tolerance": WEIGHT_TOLERANCE,
        "passed": difference.passed,
    }


def _version_problems() -> Iterator[str]:
    """A sentence for each required package that is missing or of another version."""
    from packaging.requirements import Requirement

    try:
        requirements = metadata.requires("tf-translate") or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        wanted = f"{requirement.name}{requirement.specifier}"
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is not installed: pip install '{wanted}'"
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield (
                f"{requirement.name} {installed} is installed, but {requirement.specifier} is "
                f"needed: pip install '{wanted}'"
            )


def _resource_problems(memory: float | None, disk: float) -> Iterator[str]:
    if memory is not None and memory < _LEAST_MEMORY_GB:
        yield (
            f"{memory:.1f} GB of memory are available, and the small presets need "
            f"{_LEAST_MEMORY_GB:.0f}: close other programs"
        )
    if disk < _LEAST_DISK_GB:
        yield (
            f"{disk:.1f} GB are free in {Path.cwd()}, and a run needs {_LEAST_DISK_GB:.0f}: delete "
            "files, or choose another folder with --run"
        )


def _show(report: dict[str, Any]) -> None:
    console = message_console()
    console.print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    processor, memory = report["processor"], report["memory_available_gb"]
    console.print(
        f"processor: {processor['machine']}, {processor['cores']} cores, "
        f"{processor['instructions']}"
    )
    known = "unknown" if memory is None else f"{memory:.1f} GB available"
    console.print(f"memory: {known}; disk: {report['disk_free_gb']:.1f} GB free here")
    console.print("Optional, for some commands:")
    table = wrapping_table("program or package", "here", "needed for", "how to get it", names=4)
    for one in report["optional"]:
        install = "" if one["found"] else one["install"]
        table.add_row(one["name"], "yes" if one["found"] else "no", one["needed_for"], install)
    console.print(table)
    for one in report["training"]:
        console.print(_training_sentence(one))
    if len(report["training"]) == 1:
        console.print("TensorFlow finds no other device here to compare with the CPU.")
    for problem in report["problems"]:
        console.print(f"problem: {problem}", soft_wrap=True)
    console.print("all is well" if report["passed"] else "some checks failed")


def _training_sentence(one: dict[str, Any]) -> str:
    if "error" in one:
        return f"{one['device']}: cannot train"
    text = (
        f"{one['device']}: {one['steps']} training steps of a small CycleGAN, "
        f"{1000 * one['seconds_per_step']:.0f} ms each, "
        f"{'finite' if one['finite'] else 'not finite'} losses and weights"
    )
    if one.get("loss_difference") is None:
        return text
    return (
        f"{text}; from the CPU, losses differ by at most {one['loss_difference']:.1g} (allowed: "
        f"{one['loss_tolerance']:.0e}) and the weights by {one['weight_difference']:.1g} of the "
        f"step (allowed: {one['weight_tolerance']:.0e})"
    )
