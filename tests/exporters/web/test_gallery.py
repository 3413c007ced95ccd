"""One page for several bundles, in headless Chromium and on disk."""

import functools
import http.server
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from exporters import Runner, export, open_bundle, translate_images
from exporters.errors import ExportError
from exporters.web import (
    gallery_files,
    make_gallery_server,
    open_bundles,
    server_url,
    write_gallery,
)
from tests.exporters.fakes import generator, of_model
from tests.exporters.web.browser import Page, agree, packed_litert
from tests.exporters.web.sites import PlainHandler, pack_stand_ins
from tf_translate.images import to_rgb

# Gradient steps in 8 bits: the rounding of another processor grows with each (up to 11 levels).
SEARCHES = [("tones", "translate_preserving")]
ZOO = Path(__file__).parents[3] / "assets" / "zoo"


def _zoo_names():
    return list(json.loads((ZOO / "zoo.json").read_text()))


@pytest.fixture(scope="module")
def gallery(driver):
    """The zoo's page in the browser; made after `driver`, which may skip."""
    bundles = open_bundles(ZOO)
    files = gallery_files(bundles, packed_litert(), titles=dict.fromkeys(bundles, "Zoo"))
    with make_gallery_server(files, bundles) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Page(driver, server_url(server))
        server.shutdown()


def _change(page, name):
    """Chooses a model by its link."""
    page.driver.find_element(By.CSS_SELECTOR, f"#models a[href='#{name}']").click()
    current = f"#models a[href='#{name}'][aria-current]"
    state = "return document.body.dataset.state"
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, current))
    page.until(lambda: page.driver.execute_script(state) == "ready")
    page.settle()


@pytest.mark.parametrize("name", _zoo_names())
def test_each_model_of_the_zoo_shows_what_python_computes(gallery, name):
    page, runner = gallery, Runner(open_bundle(ZOO / name))
    _change(page, name)
    for option in Select(page.part("signature")).options or [None]:
        if option is not None and option.is_displayed():
            page.choose(option.text)
        chosen = page.driver.execute_script(
            "return document.getElementById('signature').selectedOptions[0].text"
        )
        page.driver.find_element(By.CSS_SELECTOR, "#examples button").click()
        page.settle()
        assert page.pixels().std() > 5
        sliders = page.driver.find_elements(By.CSS_SELECTOR, "#sliders input")
        attributes = {
            each.get_attribute("name"): float(each.get_attribute("value")) for each in sliders
        }
        given = page.pixels("#before")
        exemplar = page.pixels("#exemplar-image") if page.part("exemplar").is_displayed() else None
        expected = translate_images(
            runner, given, signature=chosen, attributes=attributes, exemplar=exemplar
        )
        shown, first = page.pixels(), to_rgb(next(iter(expected.values())))
        if (name, chosen) in SEARCHES:
            assert np.abs(shown.astype(int) - first).mean() < 0.5
        else:
            agree(shown, first)


def test_an_image_of_ones_own_stays_when_the_model_changes(gallery, image):
    page, (path, pixels) = gallery, image(40, 40)
    first, second, *_ = _zoo_names()
    _change(page, second)
    page.give(path, pixels)
    _change(page, first)
    np.testing.assert_array_equal(page.pixels("#before"), pixels)
    agree(page.pixels(), translate_images(Runner(open_bundle(ZOO / first)), pixels)["image"])
    assert page.driver.current_url.endswith(f"#{first}")
    assert "Data:" in page.part("license").text


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A folder of two small bundles."""
    folder = tmp_path_factory.mktemp("two")
    for name in ("first", "second"):
        export({"a_to_b": of_model("a_to_b", generator(3))}, folder / name)
    return folder


@pytest.mark.thorough
def test_a_written_site_works_on_any_static_server(driver, two, image, tmp_path):
    path, pixels = image(16, 24)
    bundles = open_bundles(two)
    write_gallery(gallery_files(bundles, packed_litert()), bundles, tmp_path / "site")
    handler = functools.partial(PlainHandler, directory=tmp_path / "site")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = Page(driver, f"http://127.0.0.1:{server.server_port}/")
        assert page.driver.current_url.endswith("/web/")
        _change(page, "second")
        page.give(path, pixels)
        agree(page.pixels(), translate_images(Runner(bundles["second"]), pixels)["image"])
        server.shutdown()


def test_a_site_is_written_with_the_files_of_the_bundles_and_over_nothing(
    two, tmp_path, monkeypatch
):
    bundles = open_bundles(two)
    packed = pack_stand_ins(tmp_path, monkeypatch)
    files = gallery_files(bundles, packed, titles={"first": "The first"})
    site = tmp_path / "site"
    write_gallery(files, bundles, site)
    models = json.loads((site / "web" / "models.json").read_text())
    assert [(each["name"], each["title"]) for each in models] == [
        ("first", "The first"),
        ("second", "second"),
    ]
    for name in bundles:
        assert (site / name / "float32.tflite").read_bytes() == bundles[name].read("float32.tflite")
    with pytest.raises(ExportError, match="exists already; give a new folder"):
        write_gallery(files, bundles, site)
    with pytest.raises(ExportError, match="is no bundle and has none in it"):
        open_bundles(tmp_path / "nothing")
    with pytest.raises(ExportError, match="must not be named web"):
        gallery_files({"web": bundles["first"]}, packed)
