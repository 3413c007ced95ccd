"""The page in headless Chromium shows the same results as Python."""

import functools
import http.server
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import exporters
from exporters import Runner, open_bundle, translate_image, translate_images
from exporters.inference.aspect import place
from exporters.inference.images import to_uint8
from exporters.web import build_page, make_server, server_url
from tests.exporters.fakes import Signature, Tensor, generator, of_model
from tests.exporters.web.browser import Page, agree, packed_litert
from tests.exporters.web.sites import SHARED, PlainHandler, export_fakes
from tests.marks import slow_but
from tf_translate.images import read, to_rgb, write

SAMPLE = Path(__file__).parents[3] / "assets" / "zoo" / "flat_to_3d"
_CORNER = (  # alpha of the image's first pixel
    "return document.getElementById('before').getContext('2d').getImageData(0, 0, 1, 1).data[3]"
)


@pytest.fixture(scope="module")
def bundle(driver, tmp_path_factory):
    """Made after `driver`, which may skip."""
    return export_fakes(tmp_path_factory.mktemp("browser") / "bundle", packed_litert())


@pytest.fixture(scope="module")
def page(driver, bundle):
    with make_server(open_bundle(bundle)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Page(driver, server_url(server))
        server.shutdown()


@pytest.fixture(scope="module")
def runner(bundle):
    return Runner(open_bundle(bundle))


@pytest.mark.thorough
@pytest.mark.parametrize("size", [(16, 24), (40, 33), (9, 61), (300, 200)])
def test_a_network_gives_pythons_pixels_for_images_of_any_size(page, runner, image, size):
    path, pixels = image(*size)
    page.choose("generated")
    page.give(path, pixels)
    agree(page.pixels(), translate_image(runner, pixels, signature="generated"))


@pytest.mark.parametrize(("signature", "channels"), [("grey", 1), ("alpha", 4)])
def test_grey_and_alpha_are_made_as_python_makes_them(page, runner, image, signature, channels):
    path, pixels = image(11, 13)
    page.choose(signature)
    page.give(path, pixels)
    result = translate_image(runner, read(path, channels=channels), signature=signature)
    agree(page.pixels(), to_rgb(result))


def test_transparent_images_are_laid_over_white(page, runner, image, tmp_path):
    _, pixels = image(8, 12)
    alpha = np.linspace(0, 255, 96).astype(np.uint8).reshape(8, 12, 1)
    write(tmp_path / "clear.png", np.concatenate([pixels, alpha], axis=-1))
    page.open()
    page.choose("generated")
    page.part("file").send_keys(str(tmp_path / "clear.png"))
    page.until(lambda: page.driver.execute_script(_CORNER) == 0)
    page.settle()
    expected = translate_image(runner, read(tmp_path / "clear.png"), signature="generated")
    agree(page.pixels(), expected)


def test_a_large_image_is_shrunk_first(page, tmp_path):
    Image.new("RGB", (2048, 100)).save(tmp_path / "large.png")
    page.choose("generated")
    page.give(tmp_path / "large.png", np.zeros((50, 1024, 3), np.uint8))
    assert page.pixels().shape == (50, 1024, 3)


def test_attributes_move_by_keyboard_and_by_their_buttons(page, runner, image):
    path, pixels = image(8, 12)
    page.choose("edit")
    page.give(path, pixels)
    page.press(page.slider("glasses"), Keys.LEFT * 6)
    page.press(page.driver.find_element(By.XPATH, "//button[text()='blond']"), Keys.ENTER)
    expected = translate_image(
        runner, pixels, signature="edit", attributes={"glasses": 0.7, "hair=blond": 1}
    )
    assert list(expected[0, 0]) == [179, 0, 255]
    agree(page.pixels(), expected)
    page.press(page.part("reset"), Keys.ENTER)
    assert list(page.pixels()[0, 0]) == [255, 255, 0]


def test_a_strength_goes_beyond_one(page, runner, image):
    path, pixels = image(8, 12)
    page.choose("dim")
    page.give(path, pixels)
    page.press(page.slider("strength"), Keys.END)
    agree(
        page.pixels(), translate_image(runner, pixels, signature="dim", attributes={"strength": 2})
    )


def test_a_hint_asks_for_an_exemplar_and_both_results_are_shown(page, runner, image):
    path, pixels = image(20, 14)
    other_path, exemplar = image(6, 6, seed=1)
    page.open()
    page.choose("exchange")
    page.give(path, pixels)
    assert page.part("exemplar-hint").is_displayed()
    page.give(other_path, exemplar, "exemplar-file", "#exemplar-image")
    assert not page.part("exemplar-hint").is_displayed()
    expected = translate_images(runner, pixels, signature="exchange", exemplar=exemplar)
    agree(page.pixels(), expected["image"])
    agree(page.pixels("canvas[data-output=exemplar]"), expected["exemplar"])


def test_examples_are_shown_at_once_and_can_be_chosen(page, runner):
    page.open()
    page.choose("swap")
    page.until(page.part("exemplar-image").is_displayed)
    page.settle()
    shown = {"image": page.pixels("#before"), "exemplar": page.pixels("#exemplar-image")}
    np.testing.assert_array_equal(shown["image"], to_uint8(SHARED[0]))
    expected = translate_images(
        runner, shown["image"], signature="swap", exemplar=shown["exemplar"]
    )
    agree(page.pixels(), expected["image"])
    page.driver.find_elements(By.CSS_SELECTOR, "#examples button")[2].click()
    page.until(lambda: np.array_equal(page.pixels("#before"), to_uint8(SHARED[2])))


@pytest.mark.thorough
def test_the_camera_gives_frames_until_it_is_stopped(page, runner):
    page.choose("a_to_b")
    before = page.frames
    page.part("camera").click()
    page.until(lambda: page.frames > before + 3)
    assert page.part("camera").text == "Stop camera"
    assert page.pixels().shape == (480, 640, 3)  # the whole frame
    page.part("camera").click()
    assert page.part("camera").text == "Camera"
    page.settle()
    agree(page.pixels(), translate_image(runner, page.pixels("#before"), signature="a_to_b"))


def test_the_divider_moves_by_keyboard(page):
    page.part("split").send_keys(Keys.HOME)
    style = "return getComputedStyle(document.getElementById('after')).clipPath"
    assert page.driver.execute_script(style).endswith(" 0%)")
    assert "ms" in page.part("time").text


def test_an_image_can_be_dropped(page, image):
    path, pixels = image(10, 10)
    # WebDriver cannot drop files, so an added file input provides one for the event.
    page.driver.execute_script(
        "const input = Object.assign(document.createElement('input'), {type: 'file', id: 'hand'});"
        "input.addEventListener('change', () => {"
        "  const dataTransfer = new DataTransfer(); dataTransfer.items.add(input.files[0]);"
        "  document.getElementById('stage').dispatchEvent("
        "    new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}));"
        "}); document.body.append(input)"
    )
    page.give(path, pixels, "hand")


def test_a_file_that_is_not_an_image_is_reported(page, tmp_path):
    (tmp_path / "words.png").write_text("words")
    page.part("file").send_keys(str(tmp_path / "words.png"))
    page.until(lambda: "words.png is not an image" in page.part("alert").text)


def test_the_page_requests_only_files_of_the_bundle_and_needs_no_webgpu(page):
    urls = page.driver.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    origin = page.driver.execute_script("return location.origin")
    assert any(url.endswith("float32.tflite") for url in urls)
    assert all(url.startswith((origin, "blob:" + origin)) for url in urls)
    adapter = page.driver.execute_script("return navigator.gpu?.requestAdapter() ?? null")
    assert adapter is None
    assert page.driver.execute_script("return crossOriginIsolated")


@pytest.mark.thorough
@pytest.mark.parametrize("name", slow_but(["generated", "sample"], "sample"))
def test_bundles_without_a_page_are_served_unchanged(driver, image, tmp_path, name):
    path, pixels = image(40, 33)
    made = {"a_to_b": of_model("a_to_b", generator(3))}
    bundle = SAMPLE if name == "sample" else exporters.export(made, tmp_path / "bundle")
    opened = open_bundle(bundle)
    with make_server(opened, page=build_page(opened, packed_litert())) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        other = Page(driver, server_url(server))
        other.give(path, pixels)
        agree(other.pixels(), translate_image(Runner(opened), pixels, signature="a_to_b"))
        examples = driver.find_elements(By.CSS_SELECTOR, "#examples button")
        assert len(examples) == (4 if name == "sample" else 0)
        server.shutdown()
    assert not (bundle / "web").exists()


@pytest.mark.thorough
def test_the_page_works_on_any_static_server(driver, bundle, runner, image):
    path, pixels = image(16, 24)
    handler = functools.partial(PlainHandler, directory=bundle)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = Page(driver, f"http://127.0.0.1:{server.server_port}/web/")
        assert "on 1 thread " in page.part("status").text
        page.choose("generated")
        page.give(path, pixels)
        agree(page.pixels(), translate_image(runner, pixels, signature="generated"))
        server.shutdown()


@pytest.mark.thorough
@pytest.mark.parametrize("aspect", ["letterbox", pytest.param("crop", marks=pytest.mark.slow)])
def test_the_page_brings_images_to_the_model_by_the_aspect_of_the_bundle(
    driver, image, tmp_path, aspect
):
    opened = open_bundle(
        export_fakes(tmp_path / "bundle", packed_litert(), aspect, only=("generated", "alpha"))
    )
    runner = Runner(opened)
    with make_server(opened) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = Page(driver, server_url(server))
        words = {"letterbox": "mirrored borders", "crop": "only the centre part"}
        assert words[aspect] in page.part("size").text
        page.choose("generated")
        for size in ((40, 33), (9, 61), (64, 128)):
            path, pixels = image(*size)
            part = place(size, (16, 24), aspect).part
            page.give(path, part.cut(pixels))
            agree(page.pixels(), translate_image(runner, pixels, signature="generated"))
        page.choose("alpha")  # of 8x12, the same aspect ratio
        agree(
            page.pixels(),
            to_rgb(translate_image(runner, read(path, channels=4), signature="alpha")),
        )
        server.shutdown()


@dataclass(frozen=True)
class LabelMap(Tensor):
    """A tensor of images whose colours must not be mixed."""

    interpolation: str = "nearest"


@pytest.mark.thorough
def test_the_page_resizes_label_maps_as_python_does(driver, image, tmp_path):
    tensors = (LabelMap(),)
    labels = Signature("labels", lambda image: {"image": -image}, tensors, tensors)
    bundle = exporters.export({"labels": labels}, tmp_path / "bundle", web=packed_litert())
    opened = open_bundle(bundle)
    runner = Runner(opened)
    with make_server(opened) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = Page(driver, server_url(server))
        for size in ((40, 33), (5, 7), (8, 61)):
            path, pixels = image(*size)
            page.give(path, pixels)
            np.testing.assert_array_equal(page.pixels(), translate_image(runner, pixels))
        server.shutdown()


@pytest.mark.thorough
def test_the_page_converts_colour_profiles_to_srgb_as_python_does(page, tmp_path):
    with Image.open(Path(__file__).parents[2] / "fixtures" / "cases" / "adobe.jpg") as opened:
        opened.save(tmp_path / "adobe.png", icc_profile=opened.info["icc_profile"])
        stored = np.asarray(opened.convert("RGB"))
    pixels = read(tmp_path / "adobe.png")
    assert np.abs(pixels.astype(int) - stored).max() > 20
    page.open()
    page.part("file").send_keys(str(tmp_path / "adobe.png"))
    page.until(lambda: page.pixels("#before").shape == pixels.shape)
    page.settle()
    assert np.abs(page.pixels("#before").astype(int) - pixels).max() <= 3
