"""`tf-translate features NAME`: a pretrained network as a file, for a method or a judge."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import load_tensorflow, people

NAME = "features"


def main(
    name: Annotated[str, typer.Argument(help="lite0, face128, or a .keras file.")],
    output: Annotated[Path, typer.Option(help="The .keras file to write.")],
    size: Annotated[int, typer.Option(min=8, help="Side of the images it will read.")] = 64,
    channels: Annotated[int, typer.Option(help="Of these images: 1, 3 or 4.")] = 3,
) -> None:
    """Write a frozen pretrained network that reads images in [-1, 1] of one size.

    It serves as `model.features` of DTN, or by any name in `evaluation.features`.
    """
    load_tensorflow()
    from tf_translate.errors import DataError
    from tf_translate.pretrained.registry import PRETRAINED, load_features

    if channels not in (1, 3, 4):
        raise DataError(f"--channels must be 1, 3 or 4, got {channels}")
    if output.suffix != ".keras":
        raise DataError(f"--output must end in .keras, got {output}")
    network = load_features(name).as_model((size, size, channels))
    output.parent.mkdir(parents=True, exist_ok=True)
    network.save(output)
    console = people()
    if name in PRETRAINED:
        console.print(PRETRAINED[name].meaning)
    console.print(
        f"{output}: images ({size}, {size}, {channels}) in [-1, 1] to "
        f"{network.output_shape[-1]} features"
    )
