"""`tf-translate distill`: trains a small student of a method, and writes a run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tf_translate.cli.completion import complete_presets
from tf_translate.cli.output import (
    JSON_HELP,
    load_tensorflow,
    message_console,
    print_json,
    progress_console,
)
from tf_translate.cli.train import Devices, Resume, Settings, report_end, run_path
from tf_translate.errors import ConfigError

NAME = "distill"

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN|METHOD|PRESET|FILE.toml",
        autocompletion=complete_presets,
        help="The teacher: a finished run, or what `train` takes, which then trains beside its "
        "student. Left out with --budget-ms, students are only timed.",
    ),
]
Student = Annotated[
    str | None,
    typer.Option(
        metavar="NETWORK[:KEY=VALUE,...]",
        help="The student's network, mobile (a ResNet) or mobile_unet, and its settings: filters, "
        "blocks (of mobile), downsamples (of mobile_unet), stem, head, norm, input_skip; default: "
        "mobile:filters=16,blocks=6, or with --budget-ms the largest that is fast enough.",
    ),
]
Teaching = Annotated[
    Literal["online", "offline", "alone"] | None,
    typer.Option(
        help="online: the teacher trains beside its student (default, except for a run); offline: "
        "a finished run teaches (default for a run); alone: no teacher, the student trains as the "
        "method does, as a baseline."
    ),
]
RunPath = Annotated[
    Path | None,
    typer.Option(help="Directory of the student's run; default: runs/distilled_METHOD ..."),
]
BudgetMs = Annotated[
    float | None,
    typer.Option(
        metavar="MS",
        help="Time untrained students on this machine, and choose the largest that takes at most "
        "so many milliseconds for an image of --size.",
    ),
]
Size = Annotated[
    tuple[int, int] | None,
    typer.Option(metavar="H W", help="With --budget-ms: height and width of the images."),
]
RecipeName = Annotated[
    str, typer.Option("--recipe", help="With --budget-ms: how students are converted.")
]
Threads = Annotated[int, typer.Option(min=1, help="With --budget-ms: processor threads.")]
AsJson = Annotated[
    bool, typer.Option("--json", help=f"With --budget-ms, without a teacher: {JSON_HELP}")
]

_STUDENT = "mobile:filters=16,blocks=6"


def main(
    source: Source = None,
    student: Student = None,
    teaching: Teaching = None,
    run: RunPath = None,
    set_: Settings = None,
    devices: Devices = None,
    resume: Resume = False,
    budget_ms: BudgetMs = None,
    size: Size = None,
    recipe: RecipeName = "float32",
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Train a small student that translates as a large generator does, for phones.

    The run is one like any other: evaluate, export and compare take it. Methods that can teach:
    pix2pix, cyclegan, dualgan, discogan and dtn.

    Examples:

      tf-translate distill pix2pix

      tf-translate distill runs/pix2pix --student mobile:filters=24,blocks=9

      tf-translate distill cyclegan --student mobile_unet:downsamples=4 --run runs/small

      tf-translate distill pix2pix --run runs/distilled_pix2pix --resume

      tf-translate distill --budget-ms 30 --size 256 256

      tf-translate distill runs/pix2pix --budget-ms 10 --size 64 64 --recipe dynamic_int8
    """
    _check(source, student, budget_ms, size, resume, as_json)
    load_tensorflow()
    if budget_ms is not None and size is not None:
        student = _fastest(budget_ms, size, recipe, threads, as_json)
        if source is None:
            return
    from tf_translate.experiment.configure import resumed_config
    from tf_translate.experiment.distill import distilled_config, notices
    from tf_translate.experiment.train import train

    console, progress = message_console(), progress_console()
    overrides = [*(set_ or []), *([f"training.devices={devices}"] if devices else [])]
    assert source is not None
    config = distilled_config(source, student or _STUDENT, teaching=teaching, overrides=overrides)
    path = run or run_path(config.method, resume)
    if resume:
        config = resumed_config(path, config.method, overrides)
    how = config.model["student"]["teaching"]
    for notice in notices(config):
        message_console().print(notice, soft_wrap=True)
    progress.print(
        f"training a student of {source} ({how}) for {config.training.steps} steps into {path}"
    )
    done = train(config, path, resume=resume, console=progress)
    report_end(console, config, path, done)


def _check(
    source: str | None,
    student: str | None,
    budget_ms: float | None,
    size: tuple[int, int] | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Raises ConfigError for options that do not go together."""
    if (budget_ms is None) != (size is None):
        raise ConfigError("--budget-ms and --size go together: milliseconds for images of a size")
    if source is None and budget_ms is None:
        raise ConfigError(
            "distill needs a teacher, RUN or METHOD, or --budget-ms MS --size H W to time students"
        )
    if budget_ms is not None and (student is not None or resume):
        raise ConfigError(
            "--budget-ms chooses a new student; leave out --student and --resume, or --budget-ms"
        )
    if as_json and (source is not None or budget_ms is None):
        raise ConfigError("--json goes with --budget-ms and no teacher; leave one of them out")


def _fastest(
    budget_ms: float, size: tuple[int, int], recipe: str, threads: int, as_json: bool
) -> str:
    """The largest student within the budget, as `--student` takes it; prints what was timed."""
    from tf_translate.experiment.student_budget import TimedStudent, largest_within, time_students

    console = message_console(as_json)

    def report(each: TimedStudent) -> None:
        console.print(
            f"{each.student}: {each.median_ms:.2f} ms, {each.multiply_adds / 1e9:.3f} billion "
            f"multiply-adds, {each.parameters:,} parameters, {each.size_bytes / 1e6:.2f} MB",
            soft_wrap=True,
        )

    timed = time_students(size, budget_ms, recipe=recipe, threads=threads, report=report)
    chosen = largest_within(timed, budget_ms)
    if as_json:
        print_json(
            {
                "budget_ms": budget_ms,
                "size": list(size),
                "recipe": recipe,
                "threads": threads,
                "timed": [each.as_dict() for each in timed],
                "chosen": chosen.student if chosen else None,
            }
        )
    if chosen is None:
        raise ConfigError(
            f"--budget-ms must be at least {timed[0].median_ms:.2f} for images of {size[0]} x "
            f"{size[1]} on this machine, got {budget_ms:g}; allow more time or smaller images"
        )
    console.print(f"largest within {budget_ms:g} ms: --student {chosen.student}")
    return chosen.student
