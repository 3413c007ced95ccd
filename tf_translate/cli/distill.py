"""`tf-translate distill`: trains a small student of a method, and writes a run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tf_translate.cli.completion import complete_presets
from tf_translate.cli.output import load_tensorflow, message_console, progress_console
from tf_translate.cli.train import Devices, Resume, Settings, report_end, run_path

NAME = "distill"

Source = Annotated[
    str,
    typer.Argument(
        metavar="RUN|METHOD|PRESET|FILE.toml",
        autocompletion=complete_presets,
        help="The teacher: a finished run, or what `train` takes, which then trains beside its "
        "student.",
    ),
]
Student = Annotated[
    str,
    typer.Option(
        metavar="NETWORK[:KEY=VALUE,...]",
        help="The student's network, mobile (a ResNet) or mobile_unet, and its settings: filters, "
        "blocks (of mobile), downsamples (of mobile_unet), stem, head, norm, input_skip.",
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


def main(
    source: Source,
    student: Student = "mobile:filters=16,blocks=6",
    teaching: Teaching = None,
    run: RunPath = None,
    set_: Settings = None,
    devices: Devices = None,
    resume: Resume = False,
) -> None:
    """Train a small student that translates as a large generator does, for phones.

    The run is one like any other: evaluate, export and compare take it. Methods that can teach:
    pix2pix, cyclegan, dualgan, discogan and dtn.

    Examples:

      tf-translate distill pix2pix

      tf-translate distill runs/pix2pix --student mobile:filters=24,blocks=9

      tf-translate distill cyclegan --student mobile_unet:downsamples=4 --run runs/small

      tf-translate distill pix2pix --run runs/distilled_pix2pix --resume
    """
    load_tensorflow()
    from tf_translate.experiment.configure import resumed_config
    from tf_translate.experiment.distill import distilled_config
    from tf_translate.experiment.train import train

    console, progress = message_console(), progress_console()
    overrides = [*(set_ or []), *([f"training.devices={devices}"] if devices else [])]
    config = distilled_config(source, student, teaching=teaching, overrides=overrides)
    path = run or run_path(config.method, resume)
    if resume:
        config = resumed_config(path, config.method, overrides)
    how = config.model["student"]["teaching"]
    progress.print(
        f"training a student of {source} ({how}) for {config.training.steps} steps into {path}"
    )
    done = train(config, path, resume=resume, console=progress)
    report_end(console, config, path, done)
