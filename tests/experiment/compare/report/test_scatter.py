"""The scatter of content against domain."""

from xml.etree import ElementTree

import pytest

from tf_translate.experiment.compare.parts import Parts
from tf_translate.experiment.compare.report.rows import Row, Value
from tf_translate.experiment.compare.report.scatter import has_corner, scatter

SPACE = "{http://www.w3.org/2000/svg}"


def _row(name, content, domain):
    values = (Value(each, (each, each), 1) for each in (content, domain))
    return Row(name, name, {}, *values, (Parts(content, domain),))


def _draw(methods, fixed=()):
    return ElementTree.fromstring(scatter(methods, fixed, standalone=True))


def _points(line):
    return [tuple(map(float, each.split(","))) for each in line.get("points").split()]


def test_dots_are_where_content_and_domain_say():
    root = _draw([_row("a", 0.25, 0.75)], [_row("identity", 1.0, 0.0)])
    frame = next(each for each in root.iter(f"{SPACE}rect") if each.get("class") == "frame")
    left, top, side = (float(frame.get(key)) for key in ("x", "y", "width"))
    dot = next(each for each in root.iter(f"{SPACE}circle") if each.get("class") == "method")
    assert float(dot.get("cx")) == pytest.approx(left + 0.25 * side)
    assert float(dot.get("cy")) == pytest.approx(top + 0.25 * side)
    corner = next(each for each in root.iter(f"{SPACE}rect") if each.get("class") == "fixed")
    assert float(corner.get("x")) + 5 == pytest.approx(left + side)
    assert float(corner.get("y")) + 5 == pytest.approx(top + side)


def test_names_of_near_dots_do_not_cover_each_other_and_are_escaped():
    names = ["CycleGAN", "Fader Networks", "<pix2pix> & more", "DTN", "IcGAN"]
    root = _draw([_row(name, 0.9, 0.9 + 0.01 * place) for place, name in enumerate(names)])
    texts = [each for each in root.iter(f"{SPACE}text") if each.get("class") == "name"]
    assert [each.text for each in texts] == names
    boxes = [(float(e.get("x")), float(e.get("y")), 6.5 * len(e.text)) for e in texts]
    for place, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other_width in boxes[place + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x or abs(y - other_y) >= 12
            assert apart


def test_rows_without_content_or_domain_are_left_out():
    root = _draw([Row("a", "a", {}, None, None, ())])
    assert not list(root.iter(f"{SPACE}circle"))


def test_a_crowded_corner_is_drawn_a_second_time_larger():
    crowd = [_row("a", 0.99, 0.98), _row("b", 0.95, 0.97), _row("c", 1.0, 0.92)]
    others = [_row("d", 0.5, 0.4)]
    fixed = [_row("truth", 1.0, 1.0)]
    assert not has_corner([*crowd[:2], *others])
    root = _draw([*crowd, *others], fixed)
    frames = [each for each in root.iter(f"{SPACE}rect") if each.get("class") == "frame"]
    left, top, side = (float(frames[1].get(key)) for key in ("x", "y", "width"))
    dots = [each for each in root.iter(f"{SPACE}circle") if each.get("class") == "method"]
    larger = [each for each in dots if float(each.get("cx")) > left]
    assert len(dots) == 7
    assert len(larger) == 3
    assert float(larger[1].get("cx")) == pytest.approx(left + side / 2)
    assert float(larger[1].get("cy")) == pytest.approx(top + 0.3 * side)
    names = [each.text for each in root.iter(f"{SPACE}text") if each.get("class") == "name"]
    assert names == ["truth", "d", "truth", "a", "b", "c"]  # the crowd only where there is room
    for frame in frames:
        left = float(frame.get("x"))
        lines = [_points(each) for each in root.iter(f"{SPACE}polyline")]
        inside = [line for line in lines if left - 0.1 <= line[0][0] <= left + side + 0.1]
        assert len(inside) == 4
        for x, y in (point for line in inside for point in line):
            assert left - 0.1 <= x <= left + side + 0.1
            assert top - 0.1 <= y <= top + side + 0.1
