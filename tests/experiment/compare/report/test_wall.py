"""The wall: the same inputs, one column a method, drawn on white with names."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tf_translate.errors import RunError
from tf_translate.experiment.compare.cells.cell_images import CHOSEN
from tf_translate.experiment.compare.report.wall import (
    draw_extremes,
    draw_wall,
    make_wall,
    write_wall,
)


def test_every_column_shows_the_same_inputs(summary):
    wall = make_wall(summary)
    titles = [row.title for row in summary.methods]
    assert wall.titles == ("input", *titles, "truth")
    assert len(wall.rows) == 8
    for column, row in enumerate(summary.methods, 1):
        kept = {e.source.tobytes(): e for e in summary.images[row.name] if e.kind == CHOSEN}
        for line in wall.rows:
            own = kept[line[0].tobytes()]
            assert (line[column] == own.output).all()
            assert (line[-1] == own.truth).all()


def test_images_are_drawn_as_they_are_in_whole_multiples(summary, tmp_path):
    wall = make_wall(summary, rows=2)
    file = write_wall(summary, tmp_path / "wall.png", rows=2)
    with Image.open(file) as image:
        pixels = np.asarray(image)
    enlarged = wall.rows[1][0].repeat(4, 0).repeat(4, 1)  # 32 px to 128
    assert (pixels[-132:-4, 4:132] == enlarged).all()
    assert (pixels[0] == 255).all()
    names = pixels[: -2 * 132]
    assert (names < 128).any()
    assert (draw_wall(wall) == pixels).all()


def test_images_that_a_method_lacks_are_left_out_of_all(summary):
    name = summary.methods[-1].name
    images = dict(summary.images)
    chosen = [each for each in images[name] if each.kind == CHOSEN]
    images[name] = chosen[2:5]
    wall = make_wall(dataclasses.replace(summary, images=images))
    expected = [each.source.tobytes() for each in chosen[2:5]]
    assert [line[0].tobytes() for line in wall.rows] == expected


def test_without_images_there_is_no_wall(summary, tmp_path):
    bare = dataclasses.replace(summary, images={})
    assert make_wall(bare) is None
    assert draw_extremes(bare) is None
    with pytest.raises(RunError, match="no cell of the task glasses keeps images"):
        write_wall(bare, tmp_path / "wall.png")


def test_extremes_have_three_rows_a_method(summary):
    drawn = draw_extremes(summary)
    assert drawn.dtype == np.uint8
    rows, tile = 3 * len(summary.methods), 64  # 32 px enlarged to at least 48
    assert drawn.shape[0] > rows * tile
    assert drawn.shape[0] < (rows + 3) * (tile + 8)
