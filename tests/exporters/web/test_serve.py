"""The page's server: which files it serves, with which headers, and to which hosts."""

import http.client
import json
import shutil
import socket
import threading

import pytest

from exporters import BundleError, ExportError, open_bundle
from exporters.web import build_page, make_server, server_url
from tests.cli.hostile.forging import signed
from tests.exporters.web.sites import pack_stand_ins


def _running(bundle, **options):
    server = make_server(open_bundle(bundle), **options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def server(site):
    with _running(site) as server:
        yield server
        server.shutdown()


def _get(server, path, *, host="127.0.0.1", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers={"Host": f"{host}:{server.server_port}"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/web/", "text/html; charset=utf-8"),
        ("/web/page.js", "text/javascript; charset=utf-8"),
        ("/web/page.css", "text/css; charset=utf-8"),
        ("/web/page.json", "application/json"),
        ("/web/litert/litert_wasm_compat_internal.wasm", "application/wasm"),
        ("/float32.tflite", "application/octet-stream"),
        ("/float32.tflite?v=1", "application/octet-stream"),
    ],
)
def test_files_are_served_with_their_type_and_isolation_headers(server, site, path, kind):
    response, body = _get(server, path)
    name = path.partition("?")[0].lstrip("/")
    assert body == (site / (name + "index.html" if name == "web/" else name)).read_bytes()
    assert response.headers["Content-Type"] == kind
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_the_manifest_is_served_and_the_root_redirects_to_the_page(server, site):
    _, body = _get(server, "/manifest.json")
    assert json.loads(body)["digest"] == open_bundle(site).manifest.digest
    response, _ = _get(server, "/")
    assert (response.status, response.headers["Location"]) == (302, "/web/")
    response, body = _get(server, "/web/page.js", method="HEAD")
    assert response.status == 200
    assert body == b""


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/web/examples/",
        "/../secret",
        "/web/../../secret",
        "/web/%2e%2e/%2e%2e/secret",
        "/%2Fetc/passwd",
        "//etc/passwd",
        "/web/..%5c..%5csecret",
        "/web/page.js%00",
    ],
)
def test_paths_that_the_manifest_does_not_list_are_not_served(server, site, path):
    (site.parent / "secret").write_text("secret")
    response, body = _get(server, path)
    assert response.status == 404
    assert b"lists no such file" in body


def test_a_file_added_or_changed_after_export_is_not_served(site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "copy")
    (copy / "web" / "added.js").write_text("alert()")
    (copy / "web" / "page.js").write_text("alert()")
    with _running(copy) as server:
        assert _get(server, "/web/added.js")[0].status == 404
        response, body = _get(server, "/web/page.js")
        assert response.status == 500
        assert b"page.js has 7 bytes where the manifest says" in body
        server.shutdown()


def test_a_request_with_another_host_name_is_refused(server):
    assert _get(server, "/web/", host="evil.example")[0].status == 403
    assert _get(server, "/web/", host="localhost")[0].status == 200


@pytest.mark.parametrize("path", ["/web/", "/web/page.js", "/float32.tflite", "/nothing", "/"])
def test_every_response_has_the_policy_of_the_page(server, path):
    policy = _get(server, path)[0].headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'; img-src 'self' data:;")
    assert "script-src 'self' 'wasm-unsafe-eval' 'sha256-" in policy
    assert "'unsafe-inline'" not in policy
    assert policy.endswith("base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    assert "\n" not in policy


def test_a_forged_page_gets_the_policy_too(site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "copy")
    signed("web/index.html", lambda _: b"<script>fetch('https://evil.example')</script>")(copy)
    with _running(copy) as server:
        response, body = _get(server, "/web/")
        assert body.startswith(b"<script>")
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; connect")
        server.shutdown()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\r\n\r\n", b""),
        (b"GET\r\n\r\n", b""),  # HTTP/0.9 has no status line
        (b"GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/9.9\r\n\r\n", b"<!DOCTYPE HTML>"),
        (b"GET / HTTP/x\r\n\r\n", b"<!DOCTYPE HTML>"),
        (b"\xff\xfe\x00 \x1b[2J \xff\r\n\r\n", b"<!DOCTYPE HTML>"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"HTTP/1.1 414 "),
        (b"POST / HTTP/1.1\r\n\r\n", b"HTTP/1.1 501 "),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"HTTP/1.1 431 "),
        (b"GET /web/page.js HTTP/1.1\r\nHost", b""),
    ],
)
def test_broken_requests_are_answered_and_print_nothing(server, capfd, request_, status):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(2**16):
            answer += part
    assert answer.startswith(status)
    if answer.startswith(b"HTTP/1.1"):
        assert b"Content-Security-Policy: default-src 'none'" in answer
    assert _get(server, "/web/")[0].status == 200
    assert capfd.readouterr().err == ""


def test_a_connection_that_breaks_prints_nothing(server, capfd):
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.sendall(b"GET /float32.tflite HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET ")
        connection.close()
    assert _get(server, "/web/")[0].status == 200
    assert capfd.readouterr().err == ""


def test_the_server_listens_on_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server_url(server) == f"http://127.0.0.1:{server.server_port}/web/"


def test_serving_a_bundle_without_a_page_says_how_to_export_one(small):
    with pytest.raises(BundleError, match="tf-translate export RUN --bundle DIR --web"):
        make_server(open_bundle(small))


def test_a_bundle_without_a_page_is_served_with_a_generated_one(small, tmp_path, monkeypatch):
    page = build_page(open_bundle(small), pack_stand_ins(tmp_path, monkeypatch))
    with _running(small, page=page) as server:
        for path in ("/web/", "/web/index.html"):
            response, body = _get(server, path)
            assert response.headers["Content-Type"] == "text/html; charset=utf-8"
            assert b'<script type="module" src="page.js">' in body
        assert _get(server, "/web/litert/core.js")[1] == b"// dist/index.js"
        assert json.loads(_get(server, "/web/page.json")[1])["title"] == small.name
        assert _get(server, "/float32.tflite")[1] == (small / "float32.tflite").read_bytes()
        assert _get(server, "/web/other.js")[0].status == 404
        assert not (small / "web").exists()
        server.shutdown()


def test_a_bundle_with_a_page_is_served_with_its_own(site):
    with _running(site, page={"web/index.html": b"other", "web/more.html": b"more"}) as server:
        assert _get(server, "/web/")[1] == (site / "web" / "index.html").read_bytes()
        assert _get(server, "/web/more.html")[0].status == 404
        server.shutdown()


def test_a_port_that_is_taken_or_impossible_is_named(server, site):
    port = server.server_port
    with pytest.raises(ExportError, match=rf"`port` {port} of 127.0.0.1 cannot be used: Address"):
        make_server(open_bundle(site), port)
    with pytest.raises(ExportError, match="it must be 0 to 65535"):
        make_server(open_bundle(site), 70000)
