"""A server for the web page of one bundle or several that only this machine can reach.

It serves the files that a manifest lists, after checking their hashes, and pages that were
generated in memory. All other paths are refused.
"""

import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from exporters.bundle.bundle import MANIFEST, Bundle
from exporters.errors import BundleError, ExportError
from exporters.web.page import FOLDER, INDEX, content_security_policy, has_page

ADDRESS = "127.0.0.1"
POLICY = f"{content_security_policy()}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".png": "image/png",
}
_OTHER = "application/octet-stream"
_HEADERS = {
    # For every bundle, so that a forged page can load and send nothing elsewhere either.
    "Content-Security-Policy": POLICY,
    # Both are needed for SharedArrayBuffer, which LiteRT.js' threads need.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}
_NO_PAGE: Mapping[str, bytes] = MappingProxyType({})


def make_server(
    bundle: Bundle, port: int = 0, *, page: Mapping[str, bytes] = _NO_PAGE
) -> ThreadingHTTPServer:
    """Creates a server on 127.0.0.1; call its `serve_forever`.

    Args:
        bundle: From `open_bundle`.
        port: The port to listen on; 0 for any free one.
        page: From `build_page`, for a bundle that was exported without a page; it is kept in
            memory. It is ignored if the bundle has a page.

    Raises:
        BundleError: If there is no page.
        ExportError: If the port cannot be used.
    """
    if not has_page(bundle) and INDEX not in page:
        raise BundleError(
            f"{bundle.root} has no web page; export a bundle with one by "
            "tf-translate export RUN --bundle DIR --web"
        )
    generated = _NO_PAGE if has_page(bundle) else dict(page)
    return _make(generated, {"": bundle}, port)


def make_gallery_server(
    files: Mapping[str, bytes], bundles: Mapping[str, Bundle], port: int = 0
) -> ThreadingHTTPServer:
    """Creates a server of a gallery on 127.0.0.1; call its `serve_forever`.

    Args:
        files: From `gallery_files`, of the same bundles; they are kept in memory.
        bundles: Bundles by name.
        port: The port to listen on; 0 for any free one.

    Raises:
        ExportError: If the port cannot be used.
    """
    return _make(dict(files), {f"{name}/": bundle for name, bundle in bundles.items()}, port)


def _make(
    page: Mapping[str, bytes], bundles: Mapping[str, Bundle], port: int
) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"bundles": bundles, "page": page})
    try:
        return _Server((ADDRESS, port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "it must be 0 to 65535"
        raise ExportError(
            f"`port` {port} of {ADDRESS} cannot be used: {reason}; give another, or 0 for any "
            "that is free"
        ) from error


def server_url(server: ThreadingHTTPServer) -> str:
    """The URL of a server's page."""
    return f"http://{ADDRESS}:{server.server_port}/{FOLDER}/"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ends a request whose connection broke, without a traceback on the terminal."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    bundles: Mapping[str, Bundle]  # by the start of their paths
    page: Mapping[str, bytes]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Serves a listed file."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Serves the headers of a listed file."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing, to keep the terminal readable."""

    def end_headers(self) -> None:
        """Adds the headers of every response, also of those to requests that are not valid."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def _answer(self, *, with_body: bool) -> None:
        status, kind, content = self._response()
        try:
            self.send_response(status)
            if status == HTTPStatus.FOUND:
                self.send_header("Location", f"/{FOLDER}/")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)
        except ConnectionError:  # the browser closed the connection
            self.close_connection = True

    def _response(self) -> tuple[HTTPStatus, str, bytes]:
        try:
            path = unquote(urlsplit(self.path).path).removeprefix("/")
        except ValueError:  # such as http://[
            return _sentence(HTTPStatus.BAD_REQUEST, "the request names no valid path")
        if not self._is_local_host_name():
            return _sentence(HTTPStatus.FORBIDDEN, "this page is for this machine only")
        if path in ("", FOLDER):
            return _sentence(HTTPStatus.FOUND, f"the page is at /{FOLDER}/")
        path = INDEX if path == f"{FOLDER}/" else path
        kind = _TYPES.get(PurePosixPath(path).suffix, _OTHER)
        if path in self.page:
            return HTTPStatus.OK, kind, self.page[path]
        for start, bundle in self.bundles.items():
            own = path.removeprefix(start)
            if not path.startswith(start):
                continue
            if own == MANIFEST:
                return HTTPStatus.OK, kind, bundle.manifest.model_dump_json().encode()
            if own in bundle.manifest.files:
                return _read(bundle, own, kind)
        return _sentence(HTTPStatus.NOT_FOUND, "the bundle's manifest lists no such file")

    def _is_local_host_name(self) -> bool:
        """Whether the Host header is local; another site's name may resolve to 127.0.0.1."""
        host = self.headers.get("Host", "").partition(":")[0]
        return host in (ADDRESS, "localhost")


def _read(bundle: Bundle, path: str, kind: str) -> tuple[HTTPStatus, str, bytes]:
    try:
        return HTTPStatus.OK, kind, bundle.read(path)
    except BundleError as error:
        return _sentence(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))


def _sentence(status: HTTPStatus, text: str) -> tuple[HTTPStatus, str, bytes]:
    return status, "text/plain; charset=utf-8", f"{text}\n".encode()
