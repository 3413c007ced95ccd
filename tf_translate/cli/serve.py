"""`tf-translate serve`: a bundle's page in a browser on this machine."""

import contextlib
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.show import people

NAME = "serve"


def main(
    bundle: Annotated[Path, typer.Argument(help="A bundle made by `export --web`.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes any that is free.")
    ] = 8000,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address and open no browser.")
    ] = False,
) -> None:
    """Show a bundle's page in the browser until Ctrl-C: pictures, camera, sliders, timing.

    Only this machine can reach it, and pictures stay in the browser.

    Examples:

      tf-translate export runs/emoji --bundle bundles/emoji --web

      tf-translate serve bundles/emoji

      tf-translate serve bundles/emoji --port 0 --no-open
    """
    from exporters import open_bundle
    from exporters.web import server_of, url_of

    with contextlib.suppress(KeyboardInterrupt), server_of(open_bundle(bundle), port) as server:
        url = url_of(server)
        people().print(f"page: {url} (Ctrl-C ends)")
        if not no_open:
            webbrowser.open(url)
        server.serve_forever()
