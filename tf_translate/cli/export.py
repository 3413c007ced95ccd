"""`tf-translate export`: from a run to a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.show import load_tensorflow, people
from tf_translate.packages import Packed, obtain

NAME = "export"
_GOLDEN_IMAGES = 4


def main(
    run: Annotated[Path, typer.Argument(help="A trained run.")],
    bundle: Annotated[Path, typer.Option(help="Directory to make; must be new or empty.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="float32, float16, dynamic_int8; may be repeated; default all three."),
    ] = None,
    web: Annotated[
        bool, typer.Option("--web", help="Add a page for browsers, opened by `serve`; needs npm.")
    ] = False,
) -> None:
    """Export a run's generators as SavedModel and TFLite with everything to verify them.

    Examples:

      tf-translate export runs/emoji --bundle bundles/emoji

      tf-translate export runs/emoji --bundle bundles/emoji --recipe float32 --web
    """
    packed = obtain_litert() if web else None
    load_tensorflow()
    import exporters
    from tf_translate.experiment.trained import golden_images, load_trained, source_of

    trained = load_trained(run)
    path = exporters.export(
        trained.translator.signatures(),
        bundle,
        recipes=recipe or ("float32", "float16", "dynamic_int8"),
        golden_images=golden_images(trained, _GOLDEN_IMAGES),
        source=source_of(trained),
        seed=trained.config.training.seed,
        web=packed,
    )
    people().print(f"bundle: {path}; next: tf-translate verify {bundle}")
    if web:
        people().print(f"page: tf-translate serve {bundle}")


def obtain_litert() -> list[Path]:
    """The packed files of LiteRT.js, fetched by npm into the cache folder if they are not there.

    Raises:
        DataError: If they cannot be fetched, or are others than expected.
    """
    from exporters.web import PACKAGES

    return [obtain(Packed(one.name, one.version, one.sha256)) for one in PACKAGES]
