"""`export --web` and `serve`, and their error messages."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest

import exporters
from tests.exporters.fakes import Signature, Tensor, negative
from tests.exporters.web.sites import export_fakes, pack_stand_ins


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        packed = pack_stand_ins(folder, patch)
        return export_fakes(folder / "bundle", packed, only=("a_to_b",))


@pytest.mark.thorough
def test_serve_prints_the_address_and_ends_quietly_on_ctrl_c(site):
    code = "from tf_translate.cli.main import run; run()"
    arguments = [sys.executable, "-c", code, "serve", site, "--port", "0", "--no-open"]
    with subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell makes processes in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        line = process.stdout.readline().decode()
        assert line.startswith("page: http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[1], timeout=10) as answer:
            assert b"<title>" in answer.read()
        os.kill(process.pid, signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert errors == b""


def test_serve_opens_the_browser_unless_told_not_to(command, site, monkeypatch):
    opened = []

    def stop(server):
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", stop)
    code, out, _ = command("serve", site, "--port", "0")
    assert (code, len(opened)) == (0, 1)
    assert opened[0] in out
    command("serve", site, "--port", "0", "--no-open")
    assert len(opened) == 1


def test_serve_makes_the_page_of_a_bundle_that_has_none(command, tmp_path, monkeypatch):
    packed = pack_stand_ins(tmp_path, monkeypatch)
    monkeypatch.setattr("tf_translate.cli.serve.obtain_litert", lambda: packed)
    bundle = exporters.export({"a_to_b": negative()}, tmp_path / "bundle")
    responses = {}

    def request_and_stop(server):
        for path in ("/web/page.json", "/web/litert/core.js", "/float32.tflite"):
            handling = threading.Thread(target=server.handle_request)
            handling.start()
            url = f"http://127.0.0.1:{server.server_port}{path}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                responses[path] = answer.read()
            handling.join()
        raise KeyboardInterrupt

    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", request_and_stop)
    code, out, error = command("serve", bundle, "--port", "0", "--no-open")
    assert (code, error) == (0, "")
    assert "page: http://127.0.0.1:" in out
    assert json.loads(responses["/web/page.json"])["title"] == "bundle"
    assert responses["/web/litert/core.js"] == b"// dist/index.js"
    assert responses["/float32.tflite"] == (bundle / "float32.tflite").read_bytes()
    assert not (bundle / "web").exists()


@pytest.mark.thorough
def test_mistakes_of_serve_are_one_sentence(mistake, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    plain = exporters.export({"a_to_b": negative()}, tmp_path / "plain")
    sentence = mistake("serve", plain)
    assert "plain was exported without a page, and the page needs LiteRT.js: " in sentence
    assert "@litertjs/core 2.5.3 needs npm, which is not installed" in sentence
    assert f"litertjs-core-2.5.3.tgz into {tmp_path / 'cache'}" in sentence
    tensor = (Tensor(shape=(None, 8, 12, 2)),)
    two = exporters.export({"f": Signature("f", lambda image: {"image": -image}, tensor, tensor)},
                           tmp_path / "two")  # fmt: skip
    assert "a page needs a signature that maps images of 1, 3 or 4 channels" in mistake(
        "serve", two
    )
    assert "there is no bundle folder" in mistake("serve", tmp_path / "nowhere")


def test_export_says_that_a_page_needs_npm_before_it_does_anything(mistake, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    sentence = mistake("export", tmp_path / "run", "--bundle", tmp_path / "bundle", "--web")
    assert "@litertjs/core 2.5.3 needs npm, which is not installed" in sentence
    assert not (tmp_path / "bundle").exists()


def test_help_teaches_the_page(command):
    _, out, _ = command("--help")
    assert "serve" in out
    _, out, _ = command("export", "--help")
    assert "--web" in out
    _, out, _ = command("serve", "--help")
    for words in ("--no-open", "--port", "tf-translate serve bundles/emoji"):
        assert words in out
