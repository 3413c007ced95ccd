"""Painting on the page in headless Chromium: strokes, and the edits of IAN's photo editor."""

import itertools
import threading

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import exporters
from exporters import Runner, open_bundle, translate_image
from exporters.inference.aspect import place
from exporters.web import build_page, make_server, server_url
from tests.exporters.fakes import negative, paint
from tests.exporters.web.browser import Page, agree, packed_litert
from tests.methods.tiny import varied_ian


@pytest.fixture(scope="module")
def runner(driver, tmp_path_factory):
    """Made after `driver`, which may skip."""
    fakes = {
        "edit": varied_ian(edit_learning_rate=1.0).signatures()["edit"],
        "paint": paint(),
        "a_to_b": negative(),
    }
    bundle = exporters.export(fakes, tmp_path_factory.mktemp("painting") / "bundle")
    return Runner(open_bundle(bundle))


@pytest.fixture(scope="module")
def page(driver, runner):
    with make_server(runner.bundle, page=build_page(runner.bundle, packed_litert())) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield _PaintedPage(driver, server_url(server))
        server.shutdown()


class _PaintedPage(Page):
    """The page, and a hand that paints on it."""

    def start(self, signature, path, pixels):
        self.open()
        self.choose(signature)
        self.give(path, pixels)

    def set(self, name, value):
        """Sets a colour or a slider, which keys cannot do in one."""
        self.driver.execute_script(
            "const [input, value] = arguments; input.value = value;"
            "input.dispatchEvent(new Event('input', {bubbles: true}))",
            self.part(name), value,
        )  # fmt: skip

    def stroke(self, *points):
        """Paints through points, each a fraction of the image's width and height."""
        actions = ActionChains(self.driver, duration=0)
        actions.move_by_offset(*self.at(points[0])).click_and_hold()
        for before, point in itertools.pairwise(points):
            start, end = self.at(before), self.at(point)
            actions.move_by_offset(end[0] - start[0], end[1] - start[1])
        actions.release()
        last = self.at(points[-1])
        actions.move_by_offset(-last[0], -last[1]).perform()  # back, as moves are relative
        self.settle()

    def at(self, point):
        """Where on the screen a point of the image is, in whole pixels."""
        box = self.box()
        return tuple(
            round(box[start] + fraction * box[side])
            for fraction, start, side in zip(point, ("x", "y"), ("width", "height"), strict=True)
        )

    def box(self):
        script = "return document.getElementById('stage').getBoundingClientRect().toJSON()"
        return self.driver.execute_script(script)

    def layer(self):
        """What is painted: colours `(height, width, 3)`, and the mask `(height, width, 1)`."""
        layer = self.pixels("#strokes", "RGBA")
        return layer[..., :3], layer[..., 3:]

    def target(self):
        """The image with strokes over it."""
        colours, mask = self.layer()
        return np.where(mask > 0, colours, self.pixels("#before"))


def _covered(page, points, size, shape):
    """Where a stroke must be, by the distance of pixels from points along it."""
    height, width = shape
    box = page.box()
    x, y = (
        (np.array([page.at(point)[axis] for point in points]) - box[start]) / box[side] * count
        for axis, start, side, count in ((0, "x", "width", width), (1, "y", "height", height))
    )
    along = np.linspace(0, len(points) - 1, 4001)
    dots = np.stack([np.interp(along, range(len(points)), each) for each in (x, y)], -1)
    middles = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)
    distance = np.linalg.norm(middles[..., None, :] - dots, axis=-1).min(-1)
    return distance, size / 200 * max(height, width)


@pytest.mark.slow
def test_strokes_cover_what_is_within_the_brush_of_their_line_in_their_colour(page, image):
    path, pixels = image(30, 45)
    page.start("paint", path, pixels)
    assert page.part("paint-hint").is_displayed()
    page.set("colour", "#2080f0")
    page.set("brush", 20)
    points = [(0.2, 0.3), (0.45, 0.3), (0.4, 0.8)]
    page.stroke(*points)
    colours, mask = page.layer()
    distance, radius = _covered(page, points, 20, (30, 45))
    sure = np.abs(distance - radius) > 0.05  # pixels; dots lie that close along the line
    assert radius == 4.5
    assert sure.mean() > 0.95
    np.testing.assert_array_equal((mask[..., 0] == 255)[sure], (distance < radius)[sure])
    assert set(np.unique(mask)) == {0, 255}
    assert (colours[mask[..., 0] == 255] == (0x20, 0x80, 0xF0)).all()
    assert not page.part("paint-hint").is_displayed()


@pytest.mark.parametrize("size", [(30, 45), (50, 20), (8, 12)])
def test_target_and_mask_go_onto_the_canvas_as_in_python(page, runner, image, size):
    path, pixels = image(*size)
    page.start("paint", path, pixels)
    page.set("colour", "#00ff40")
    page.stroke((0.1, 0.2), (0.4, 0.6))
    page.set("colour", "#7000ff")
    page.stroke((0.7, 0.9), (0.9, 0.3))
    _, mask = page.layer()
    assert 0.02 < (mask > 0).mean() < 0.6
    expected = translate_image(runner, pixels, target=page.target(), mask=mask, signature="paint")
    assert np.abs(expected.astype(int) - pixels).max() > 100
    agree(page.pixels(), expected)


@pytest.mark.thorough
@pytest.mark.parametrize("aspect", ["letterbox", pytest.param("crop", marks=pytest.mark.slow)])
def test_strokes_go_with_the_image_by_the_aspect_of_the_bundle(driver, image, tmp_path, aspect):
    opened = open_bundle(exporters.export({"paint": paint()}, tmp_path / "bundle", aspect=aspect))
    path, pixels = image(40, 33)
    shown = place((40, 33), (8, 12), aspect).part.cut(pixels)
    assert shown.shape == ((22, 33, 3) if aspect == "crop" else pixels.shape)
    with make_server(opened, page=build_page(opened, packed_litert())) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = _PaintedPage(driver, server_url(server))
        page.open()
        page.give(path, shown)
        page.stroke((0.1, 0.2), (0.4, 0.6))
        target, (_, mask) = page.target(), page.layer()
        expected = translate_image(Runner(opened), shown, target=target, mask=mask)
        assert np.abs(expected.astype(int) - shown).max() > 50
        agree(page.pixels(), expected)
        server.shutdown()


def test_an_edit_of_ian_equals_pythons_with_the_chosen_number_of_steps(page, runner, image):
    path, pixels = image(32, 32)
    page.start("edit", path, pixels)
    page.set("colour", "#ff2000")
    page.set("brush", 30)
    page.stroke((0.3, 0.3), (0.6, 0.35))
    given = {"target": page.target(), "mask": page.layer()[1], "signature": "edit"}
    all_steps = translate_image(runner, pixels, **given)
    # Without strokes, or with fewer steps, the result differs.
    assert np.abs(all_steps.astype(int) - pixels).max() > 30
    agree(page.pixels(), all_steps)
    page.press(page.slider("steps"), Keys.LEFT * 2)
    one_step = translate_image(runner, pixels, attributes={"steps": 1}, **given)
    assert np.abs(one_step.astype(int) - all_steps).max() > 10
    agree(page.pixels(), one_step)


@pytest.mark.thorough
def test_strokes_are_undone_one_by_one_cleared_and_removed_with_the_image(page, image):
    path, pixels = image(20, 20)
    page.start("paint", path, pixels)
    unpainted = page.pixels()
    counts = []
    for points in ([(0.2, 0.2)], [(0.8, 0.2), (0.8, 0.7)], [(0.2, 0.8), (0.3, 0.8)]):
        page.stroke(*points)
        counts.append((page.layer()[1] > 0).sum())
    assert 0 < counts[0] < counts[1] < counts[2]
    page.part("undo").click()
    page.settle()
    assert (page.layer()[1] > 0).sum() == counts[1]
    page.part("clear").click()
    page.settle()
    assert page.layer()[1].max() == 0
    np.testing.assert_array_equal(page.pixels(), unpainted)
    page.stroke((0.5, 0.2))
    other = image(20, 20, seed=1)
    page.give(*other)
    assert page.layer()[1].max() == 0


def test_the_handle_moves_the_line_and_paints_nothing(page, image):
    path, pixels = image(20, 20)
    page.start("paint", path, pixels)
    page.stroke((0.5, 0.5), (0.8, 0.5))
    assert page.layer()[1].max() == 0
    assert float(page.part("split").get_property("value")) == pytest.approx(0.8, abs=0.1)


def test_only_signatures_with_a_mask_can_be_painted_on(page, image):
    page.start("a_to_b", *image(20, 20))
    assert not page.part("paint").is_displayed()
    page.stroke((0.2, 0.2), (0.3, 0.3))
    assert page.layer()[1].max() == 0
