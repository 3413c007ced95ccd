"""Cells of tables that name no image file."""

import os
import socket

import pytest

from tests.data.image_files import config, plain, values
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """A folder of a table and an image, beside a folder with another image."""
    plain(tmp_path / "set" / "x.png", 5)
    plain(tmp_path / "outside.png", 9)
    folder = tmp_path / "set"
    (folder / "loop1.png").symlink_to("loop2.png")
    (folder / "loop2.png").symlink_to("loop1.png")
    (folder / "sub.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    return folder


HOSTILE = {
    "/": "a path outside",
    ".": "the path of a folder",
    "..": "the path of a folder",
    "nowhere/..": "the path of a folder",
    "./": "the path of a folder",
    "a\0b.png": "a character that no path can have",
    "/etc/hostname": "a path outside",
    "/dev/zero": "a path outside",
    "../../../../../../dev/zero": "a pipe, a socket or a device",
    "loop1.png": "a link that leads in a circle",
    "sub.png": "the path of a folder",
    "pipe.png": "a pipe, a socket or a device",
    "x" * 300 + ".png": "longer than a path can be",
}


@pytest.mark.parametrize(("cell", "reason"), HOSTILE.items())
def test_a_cell_that_names_no_file_is_refused_with_table_row_and_cell(folder, cell, reason):
    path = folder / "t.csv"
    path.write_text(f"image,split,hair\nx.png,train,black\n{cell},train,blond\n")
    by_hair = {"domain_column": "hair", "domain_a": "black", "domain_b": "blond"}
    for opened in (
        lambda: open_image_dataset(config(path, on_error="skip")),
        lambda: open_attribute_dataset(config(path, attributes={"hair": ["black", "blond"]})),
        lambda: open_domain_dataset(config(path, **by_hair)),
    ):
        with pytest.raises(DataError) as raised:
            opened()
        sentence = str(raised.value)
        assert f"the table {path} has cells that name no image file" in sentence
        assert f"line 3: image is {cell!r}, " in sentence
        assert reason in sentence


@pytest.mark.parametrize(("cell", "reason"), HOSTILE.items())
def test_a_cell_of_a_table_of_pairs_is_refused_with_its_column(folder, cell, reason):
    path = folder / "t.csv"
    path.write_text(f"split,a,b\ntrain,x.png,x.png\ntrain,x.png,{cell}\n")
    with pytest.raises(DataError) as raised:
        open_domain_dataset(config(path))
    assert f"line 3: b is {cell!r}, " in str(raised.value)
    assert reason in str(raised.value)


def test_a_socket_is_refused(folder):
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket.png"))
        path = folder / "t.csv"
        path.write_text("image,split\nsocket.png,train\n")
        with pytest.raises(DataError, match="a pipe, a socket or a device"):
            open_image_dataset(config(path))


def test_paths_inside_the_folder_may_be_absolute_and_others_relative(folder):
    path = folder / "t.csv"
    path.write_text(f"split,a,b\ntrain,{folder / 'x.png'},../outside.png\n")
    data = open_domain_dataset(config(path))
    assert [values(side) for side in data.arrays("train")] == [[5], [9]]
    assert data.names("train", "a") == ("x",)  # the same on every machine


def test_a_missing_file_is_left_to_on_error(folder):
    path = folder / "t.csv"
    path.write_text("image,split\nx.png,train\nmissing.png,train\n")
    with pytest.raises(DataError, match=r"there is no image file .*missing\.png"):
        open_image_dataset(config(path))
    assert open_image_dataset(config(path, on_error="skip")).splits == {"train": 1}
