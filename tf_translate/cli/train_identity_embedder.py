"""`tf-translate train-identity-embedder`: a network that recognizes people, for Age-cGAN."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import load_tensorflow, message_console, progress_console

NAME = "train-identity-embedder"


def main(
    file: Annotated[Path, typer.Argument(metavar="FILE.keras", help="The file to write.")],
    people: Annotated[int, typer.Option(help="Number of people to draw, at least 32.")] = 4000,
    steps: Annotated[int, typer.Option(help="Number of training steps.")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed; another seed also draws other people.")] = 0,
    base_filters: Annotated[int, typer.Option(help="Channels of the first layer.")] = 32,
    image_size: Annotated[
        int, typer.Option(help="Height and width of the images, a power of two.")
    ] = 64,
    snapshots: Annotated[
        bool,
        typer.Option(
            "--snapshots",
            help="Vary position, size, tilt and background, as data fetch dicebear-snapshots does.",
        ),
    ] = False,
) -> None:
    """Train an identity embedder for Age-cGAN on people that its data does not contain.

    People are drawn in two skin tones each, and the network learns to match the two images of a
    person. Use the file as model.identity_embedder of age_cgan. Train a second one with another
    seed to evaluate with.

    Examples:

      tf-translate train-identity-embedder embedder.keras

      tf-translate train age_cgan --set model.identity_embedder=embedder.keras
    """
    load_tensorflow()
    from tf_translate.experiment.train_identity_embedder import train_identity_embedder

    network = train_identity_embedder(
        file,
        progress_console(),
        people=people,
        steps=steps,
        seed=seed,
        base_filters=base_filters,
        image_size=image_size,
        snapshots=snapshots,
    )
    message_console().print(
        f"{file}: images {network.input_shape[1:]} in [-1, 1] to {network.output_shape[-1]} values",
        soft_wrap=True,
    )
