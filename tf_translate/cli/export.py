"""`tf-translate export`: from a run to a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.show import load_tensorflow, people

NAME = "export"
_GOLDEN_IMAGES = 4


def main(
    run: Annotated[Path, typer.Argument(help="A trained run.")],
    bundle: Annotated[Path, typer.Option(help="Directory to make; must be new or empty.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="float32, float16, dynamic_int8; may be repeated; default all three."),
    ] = None,
) -> None:
    """Export a run's generators as SavedModel and TFLite with everything to verify them."""
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
    )
    people().print(f"bundle: {path}; next: tf-translate verify {bundle}")
