"""`tf-translate serve`: shows the page of a bundle, or of several, on this machine."""

import contextlib
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_translate.cli.export import obtain_litert
from tf_translate.cli.output import message_console
from tf_translate.cli.zoo import gallery, open_gallery
from tf_translate.errors import DataError

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer

NAME = "serve"


def main(
    bundle: Annotated[
        Path,
        typer.Argument(
            metavar="BUNDLE|FOLDER",
            help="A bundle made by `export`, with or without --web, or a folder of bundles.",
        ),
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for any free one.")
    ] = 8000,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address and open no browser.")
    ] = False,
) -> None:
    """Show a page for one bundle or several in the browser until Ctrl-C.

    The page takes images and the camera, and shows sliders and times. Only this machine can reach
    it, and images stay in the browser. For a bundle exported without --web it is generated in
    memory, and the bundle does not change. A folder of bundles becomes one page on which a model
    is chosen. npm fetches LiteRT.js once.

    Examples:

      tf-translate serve bundles/emoji

      tf-translate serve assets/zoo/flat_to_3d

      tf-translate serve assets/zoo

      tf-translate serve bundles/emoji --port 0 --no-open
    """
    from exporters.web import server_url

    with contextlib.suppress(KeyboardInterrupt), _make_server(bundle, port) as server:
        url = server_url(server)
        message_console().print(f"page: {url} (Ctrl-C ends)")
        if not no_open:
            webbrowser.open(url)
        server.serve_forever()


def _make_server(path: Path, port: int) -> "ThreadingHTTPServer":
    """The server of a bundle, or of all bundles of a folder."""
    from exporters import open_bundle
    from exporters.web import make_gallery_server, make_server

    if (
        path.is_dir()
        and not (path / "manifest.json").exists()
        and any(path.glob("*/manifest.json"))
    ):
        bundles, titles = open_gallery(path)
        return make_gallery_server(gallery(bundles, titles), bundles, port)
    opened = open_bundle(path)
    return make_server(opened, port, page=_page(opened))


def _page(bundle) -> dict[str, bytes]:
    """The generated page for a bundle that has none; empty if the bundle has a page."""
    from exporters.web import build_page, has_page
    from exporters.web.page import shown_signatures

    if has_page(bundle):
        return {}
    shown_signatures(bundle.manifest.signatures)  # raises before LiteRT.js is fetched
    try:
        packed = obtain_litert()
    except DataError as error:
        raise DataError(
            f"{bundle.root} was exported without a page, and the page needs LiteRT.js: {error}"
        ) from error
    return build_page(bundle, packed)
