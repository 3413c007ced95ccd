"""`tf-translate train`: trains a method and writes a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tf_translate.cli.completion import complete_presets
from tf_translate.cli.output import load_tensorflow, message_console, progress_console
from tf_translate.errors import ConfigError

if TYPE_CHECKING:
    from tf_translate.config.schema import Config

NAME = "train"

Source = Annotated[
    str,
    typer.Argument(
        metavar="METHOD|PRESET|FILE.toml",
        autocompletion=complete_presets,
        help="A method (its small preset, which trains on the shipped samples), "
        "a preset, or your own configuration file.",
    ),
]
RunPath = Annotated[
    Path | None,
    typer.Option(help="Directory of the run; default: runs/NAME or NAME-2, NAME-3 ..."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting. Repeatable."),
]
Devices = Annotated[
    str | None,
    typer.Option(
        metavar="one|all|cpu:N|gpu:N",
        help="Devices to train on; short for --set training.devices=. They divide "
        "training.batch_size equally, and learn the weights that one device would learn.",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue from the newest checkpoint of --run.")
]

AcceptDataChanges = Annotated[
    bool,
    typer.Option(
        "--accept-data-changes",
        help="With --resume: train on even if images were added, removed or changed since. The run "
        "records what changed.",
    ),
]


def main(
    source: Source,
    run: RunPath = None,
    set_: Settings = None,
    devices: Devices = None,
    resume: Resume = False,
    accept_data_changes: AcceptDataChanges = False,
) -> None:
    """Train a method. Ctrl-C saves a checkpoint, and --resume continues exactly from there.

    Examples:

      tf-translate train pix2pix

      tf-translate train cyclegan --run runs/mine --set data.path=my/folder

      tf-translate train cyclegan --run runs/mine --resume

      tf-translate train ian --run runs/heads --resume --set training.steps=20000

      tf-translate train cyclegan --run runs/mine --resume --set data.path=moved/folder

      tf-translate train cyclegan --devices gpu:4 --set training.batch_size=8
    """
    if accept_data_changes and not resume:
        raise ConfigError("--accept-data-changes goes with --resume; a new run takes any images")
    load_tensorflow()
    from tf_translate.experiment.configure import resolve, resumed_config
    from tf_translate.experiment.train import train

    console, progress = message_console(), progress_console()
    overrides = [*(set_ or []), *([f"training.devices={devices}"] if devices else [])]
    path = run or run_path(Path(source).stem, resume)
    config = resumed_config(path, source, overrides) if resume else resolve(source, overrides)
    progress.print(f"training {config.method} for {config.training.steps} steps into {path}")
    done = train(
        config, path, resume=resume, console=progress, accept_data_changes=accept_data_changes
    )
    report_end(console, config, path, done)


def report_end(console: Console, config: "Config", path: Path, done: bool) -> None:
    """Says what comes next; exits with 130 if the training was stopped."""
    if done:
        following = (
            f"export {path} --bundle bundles/{path.name}"
            if config.data.holdout == "none"  # no image to evaluate on
            else f"evaluate {path}"
        )
        console.print(f"done: {path / 'model.keras'}; next: tf-translate {following}")
        return
    console.print(
        "stopped, everything is saved; resume with: "
        f"tf-translate train {config.method} --run {path} --resume"
    )
    raise typer.Exit(130)


def run_path(name: str, resume: bool) -> Path:
    """`runs/name`, `runs/name-2` and so on: the last one when resuming, else the first free one."""
    candidates = [Path("runs", name if n == 1 else f"{name}-{n}") for n in range(1, 1000)]
    first_free = next(index for index, path in enumerate(candidates) if not path.exists())
    return candidates[max(first_free - 1, 0)] if resume else candidates[first_free]
