"""TensorFlow Datasets without a network, and with hosts that answer."""

import http.server
import threading
import time
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from tests.data.image_files import config
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.layouts import tfds_builder
from tf_translate.data.layouts.tfds_builder import prepare
from tf_translate.errors import DataError

NOWHERE = "http://127.0.0.1:9"  # the port is closed: as if there were no network


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Sends every request to a proxy that does not exist; data sets go to a new folder."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    real = tfds.builder
    monkeypatch.setattr(tfds, "builder", lambda name: real(name, data_dir=tmp_path / "tfds"))
    return tmp_path / "tfds"


@pytest.mark.parametrize("name", ["cycle_gan/horse2zebra", "mnist", "celeb_a"])
def test_a_data_set_that_cannot_be_downloaded_ends_in_seconds(no_network, name):
    start = time.monotonic()
    with pytest.raises(DataError) as raised:
        open_domain_dataset(config(f"tfds:{name}", tfds_a="image", tfds_b="image"))
    assert time.monotonic() - start < 20  # it was four minutes
    sentence = str(raised.value)
    assert f"tfds:{name} is not in {no_network}/{name.split('/')[0]}" in sentence
    assert "cannot be downloaded, as there is no connection to " in sentence
    assert "set TFDS_DATA_DIR to the folder that holds " in sentence
    assert "\n" not in sentence


def test_files_that_were_downloaded_before_do_not_bring_the_retries_back(no_network):
    (no_network / "downloads").mkdir(parents=True)
    (no_network / "downloads" / "of another data set.zip").write_bytes(b"x")
    start = time.monotonic()
    with pytest.raises(DataError, match=r"tfds:mnist is not in .* there is no connection to "):
        prepare("mnist")
    assert time.monotonic() - start < 20


def test_an_unknown_name_is_refused_in_seconds_without_a_network():
    start = time.monotonic()
    with pytest.raises(DataError, match="did you mean tfds:mnist"):
        prepare("mnisst")
    assert time.monotonic() - start < 20


@pytest.fixture
def host():
    """A host that answers every request with 404."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/data.zip"
        server.shutdown()


class Builder:
    """What `_is_out_of_reach` looks at."""

    def __init__(self, folder, *urls):
        self.data_path, self.url_infos = folder, dict.fromkeys(urls)


@pytest.mark.usefixtures("no_network")
def test_one_host_that_answers_is_enough_and_prepared_data_needs_none(tmp_path, monkeypatch, host):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    missing = tmp_path / "missing"
    out_of_reach = tfds_builder._is_out_of_reach
    assert out_of_reach(Builder(missing, f"{NOWHERE}/data.zip"))
    assert not out_of_reach(Builder(missing, f"{NOWHERE}/data.zip", host))
    assert not out_of_reach(Builder(tmp_path, f"{NOWHERE}/data.zip"))
    assert not out_of_reach(Builder(missing, "ftp://127.0.0.1/data.zip"))


def test_a_prepared_data_set_is_opened_without_a_network(no_network):
    """The builder of this test needs no download."""

    class NoDownload(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict({"label": tfds.features.Text()})
            )

        def _split_generators(self, _):
            return {"train": iter([(0, {"label": "x"})])}

        def _generate_examples(self):
            raise NotImplementedError

    assert Path(prepare("no_download").data_dir).is_dir()
    assert Path(prepare("no_download").data_dir).is_relative_to(no_network)
