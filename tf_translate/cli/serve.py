"""`tf-translate serve`: shows a bundle's web page in a browser on this machine."""

import contextlib
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.export import obtain_litert
from tf_translate.cli.output import message_console
from tf_translate.errors import DataError

NAME = "serve"


def main(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle made by `export`, with or without --web.")
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for any free one.")
    ] = 8000,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address and open no browser.")
    ] = False,
) -> None:
    """Show a bundle's page in the browser until Ctrl-C: images, camera, sliders, timing.

    Only this machine can reach it, and images stay in the browser. For a bundle exported without
    --web the page is generated in memory, and the bundle does not change. npm fetches LiteRT.js
    once.

    Examples:

      tf-translate serve bundles/emoji

      tf-translate serve assets/flat_to_3d

      tf-translate serve bundles/emoji --port 0 --no-open
    """
    from exporters import open_bundle
    from exporters.web import make_server, server_url

    opened = open_bundle(bundle)
    page = _page(opened)
    with contextlib.suppress(KeyboardInterrupt), make_server(opened, port, page=page) as server:
        url = server_url(server)
        message_console().print(f"page: {url} (Ctrl-C ends)")
        if not no_open:
            webbrowser.open(url)
        server.serve_forever()


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
