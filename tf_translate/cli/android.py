"""`tf-translate android`: writes an Android project that uses a bundle's model."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.interruption import removing_unfinished_work
from tf_translate.cli.output import message_console

NAME = "android"


def main(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by `export`.")],
    output: Annotated[Path, typer.Option(help="Directory to write; must be new or empty.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Which .tflite file the app holds; default float16 if the bundle has it, else "
            "the first."
        ),
    ] = None,
    package: Annotated[
        str, typer.Option(help="Package and id of the app, such as org.example.zebras.")
    ] = "com.example.translator",
) -> None:
    """Write a minimal Android project that translates photos with a bundle's model.

    It has a screen with the photo picker, EXIF rotation, the model on the GPU or else on the CPU,
    and a test for devices that reads the bundle's golden cases. The README in it says how to open
    it in Android Studio, and how to ship a new version of the model.

    Nothing of the bundle is run. Nothing is overwritten.

    Examples:

      tf-translate android bundles/emoji --output apps/emoji

      tf-translate android bundles/emoji --output apps/zebras --package org.example.zebras
    """
    import exporters

    with removing_unfinished_work():
        project = exporters.write_android_project(bundle, output, recipe=recipe, package=package)
    message_console().print(f"project: {project}; next: open it in Android Studio", soft_wrap=True)
    message_console().print(f"how to build, test and update: {project / 'README.md'}")
