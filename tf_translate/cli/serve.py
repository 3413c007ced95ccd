"""`tf-translate serve`: a bundle's page in a browser on this machine."""

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
        int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes any that is free.")
    ] = 8000,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address and open no browser.")
    ] = False,
) -> None:
    """Show a bundle's page in the browser until Ctrl-C: images, camera, sliders, timing.

    Only this machine can reach it, and images stay in the browser. A bundle exported without
    --web gets the page while it is served, and stays as it is; npm fetches LiteRT.js once.

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
    """The page of a bundle that has none; nothing for one that has its own."""
    from exporters.web import has_page, build_page
    from exporters.web.page import shown_signatures

    if has_page(bundle):
        return {}
    shown_signatures(bundle.manifest.signatures)  # nothing is fetched where nothing can be shown
    try:
        packed = obtain_litert()
    except DataError as error:
        raise DataError(
            f"{bundle.root} was exported without a page, and the page needs LiteRT.js: {error}"
        ) from error
    return build_page(bundle, packed)
