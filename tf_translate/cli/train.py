"""`tf-translate train`: from a preset or file to a run."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import load_tensorflow, people

NAME = "train"

Source = Annotated[
    str,
    typer.Argument(
        metavar="METHOD|PRESET|FILE.toml",
        help="A method (its small preset, which learns on the shipped samples), "
        "a preset or your own configuration file.",
    ),
]
RunFolder = Annotated[
    Path | None, typer.Option(help="Directory of the run; default runs/NAME, never reused.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be repeated."),
]
Devices = Annotated[
    str | None,
    typer.Option(
        metavar="one|all|cpu:N|gpu:N",
        help="What trains; short for --set training.devices=. training.batch_size counts the "
        "images over all devices, each gets an equal share, and the weights are those that one "
        "device would learn.",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the newest checkpoint of --run.")
]


def main(
    source: Source,
    run: RunFolder = None,
    set_: Settings = None,
    devices: Devices = None,
    resume: Resume = False,
) -> None:
    """Train a method; Ctrl-C saves a checkpoint, and --resume goes on exactly from there.

    Examples:

      tf-translate train pix2pix

      tf-translate train cyclegan --run runs/mine --set data.path=my/folder

      tf-translate train cyclegan --run runs/mine --resume

      tf-translate train cyclegan --devices gpu:4 --set training.batch_size=8
    """
    load_tensorflow()
    from tf_translate.experiment.configure import resolve, resumed_config
    from tf_translate.experiment.train import train

    console = people()
    overrides = [*(set_ or []), *([f"training.devices={devices}"] if devices else [])]
    path = run or _default_run(Path(source).stem, resume)
    config = resumed_config(path, source, overrides) if resume else resolve(source, overrides)
    console.print(f"training {config.method} for {config.training.steps} steps into {path}")
    if train(config, path, resume=resume, console=console):
        console.print(f"done: {path / 'model.keras'}; next: tf-translate evaluate {path}")
        return
    console.print(
        "stopped, everything is saved; go on with: "
        f"tf-translate train {source} --run {path} --resume"
    )
    raise typer.Exit(130)


def _default_run(name: str, resume: bool) -> Path:
    """`runs/name`, `runs/name-2` ...: the newest when resuming, else the first that is free."""
    candidates = [Path("runs", name if n == 1 else f"{name}-{n}") for n in range(1, 1000)]
    free = next(i for i, path in enumerate(candidates) if not path.exists())
    return candidates[max(free - 1, 0)] if resume else candidates[free]
