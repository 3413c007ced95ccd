"""`tf-translate pretrained NAME`: writes a frozen pretrained network to a `.keras` file."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import load_tensorflow, message_console

NAME = "pretrained"


def main(
    name: Annotated[
        str, typer.Argument(help="efficientnet_lite0, dlib_face, inception_v3, or a .keras file.")
    ],
    output: Annotated[Path, typer.Option(help="The .keras file to write.")],
    size: Annotated[int, typer.Option(min=8, help="Height and width of its input images.")] = 64,
    channels: Annotated[int, typer.Option(help="Channels of its input images: 1, 3 or 4.")] = 3,
) -> None:
    """Write a frozen pretrained network that reads images in [-1, 1] of one size.

    Use the file as `model.feature_extractor` of DTN, or in `evaluation.pretrained`.
    """
    load_tensorflow()
    from tf_translate.errors import DataError
    from tf_translate.pretrained.registry import PRETRAINED, load_pretrained

    if channels not in (1, 3, 4):
        raise DataError(f"--channels must be 1, 3 or 4, got {channels}")
    if output.suffix != ".keras":
        raise DataError(f"--output must end in .keras, got {output}")
    network = load_pretrained(name).as_model((size, size, channels))
    output.parent.mkdir(parents=True, exist_ok=True)
    network.save(output)
    console = message_console()
    if name in PRETRAINED:
        console.print(PRETRAINED[name].description)
    console.print(
        f"{output}: images ({size}, {size}, {channels}) in [-1, 1] to "
        f"{network.output_shape[-1]} features"
    )
