"""`tf-translate zoo`: trained models that ship with the project."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.export import obtain_litert
from tf_translate.cli.output import (
    JSON_HELP,
    message_console,
    print_json,
    progress_console,
    wrapping_table,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Small trained models that ship with the project, as verified bundles.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model, see `zoo list`.")]


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List the models with what they do.

    Examples:

      tf-translate zoo list

      tf-translate translate zoo:flat_to_3d samples:flat_to_3d --output out
    """
    from tf_translate.experiment.zoo import zoo_models

    models = zoo_models()
    if as_json:
        print_json({"models": [model.as_dict() for model in models]})
        return
    table = wrapping_table("name", "what it does", "MB")
    for model in models:
        table.add_row(model.name, f"{model.title}. {model.about}", f"{model.size_bytes / 1e6:.1f}")
    message_console().print(table)


@app.command("get")
def get(
    name: Name,
    bundle: Annotated[
        Path | None, typer.Option(help="Folder of the copy; default: bundles/NAME.")
    ] = None,
) -> None:
    """Copy a model's bundle, to use it in an app or to change it.

    Examples:

      tf-translate zoo get flat_to_3d

      tf-translate zoo get flat_to_3d --bundle app/model
    """
    from tf_translate.experiment.zoo import PREFIX, copy_zoo_model

    target = bundle or Path("bundles", name.removeprefix(PREFIX))
    copy_zoo_model(name, target)
    message_console().print(f"copied: {target}; next: tf-translate verify {target}")


@app.command("page")
def page(
    output: Annotated[Path, typer.Option(help="New folder for the site.")],
    folder: Annotated[
        Path | None, typer.Option(help="A folder of bundles; default: the zoo.")
    ] = None,
) -> None:
    """Write a site that shows all models in the browser, for any static server.

    Its page needs no server program. Over https, or from 127.0.0.1, it can use the camera; with
    the headers COOP and COEP it uses several threads.

    Examples:

      tf-translate zoo page --output site

      tf-translate zoo page --folder bundles --output site
    """
    from exporters.web import write_gallery
    from tf_translate.experiment.zoo import zoo_folder

    bundles, titles = open_gallery(folder or zoo_folder())
    files = gallery(bundles, titles)
    write_gallery(files, bundles, output)
    size = sum(each.stat().st_size for each in output.rglob("*") if each.is_file())
    message_console().print(
        f"site: {output / 'index.html'}, {len(bundles)} models, {size / 1e6:.1f} MB; try it: "
        f"python -m http.server --directory {output}"
    )


def open_gallery(folder: Path) -> tuple[dict, dict[str, str]]:
    """The bundles of a folder in the order of the page, and their titles if it is the zoo.

    A bundle that a page cannot show is left out, with a notice.
    """
    from exporters.errors import ExportError
    from exporters.web import open_bundles
    from exporters.web.page import shown_signatures
    from tf_translate.experiment.zoo import LIST, read_titles

    found = open_bundles(folder)
    titles = read_titles(folder) if (folder / LIST).is_file() else {}
    bundles = {}
    for name in [
        *(name for name in titles if name in found),
        *(n for n in found if n not in titles),
    ]:
        try:
            shown_signatures(found[name].manifest.signatures)
        except ExportError as error:
            progress_console().print(f"left out {name}: {error}", soft_wrap=True)
        else:
            bundles[name] = found[name]
    if not bundles:
        raise ExportError(f"no bundle in {folder} maps images to images that a page can show")
    return bundles, titles


def gallery(bundles: dict, titles: dict[str, str]) -> dict[str, bytes]:
    """The files of the page for some bundles; npm fetches LiteRT.js once."""
    from exporters.web import gallery_files
    from tf_translate.errors import DataError

    try:
        packed = obtain_litert()
    except DataError as error:
        raise DataError(f"the page needs LiteRT.js: {error}") from error
    return gallery_files(bundles, packed, titles=titles)
