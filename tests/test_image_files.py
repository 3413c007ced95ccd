"""The search for images: what is found, in which order, and what is counted as left out."""

import os
import threading

import pytest

from tests.data.image_files import plain
from tf_translate import images
from tf_translate.errors import DataError
from tf_translate.image_files import (
    LeftOut,
    describe_counts,
    find_images,
    holds_images,
    visible_folders,
)


def test_images_of_all_folders_are_sorted_by_the_path_without_ending(tmp_path):
    for name in ("b.png", "a.jpg", "a.bmp", "a-1.png", "sub/c.webp", "Sub.PNG"):
        plain(tmp_path / name, 1)
    found = find_images(tmp_path)
    assert found.names == ("Sub.PNG", "a.bmp", "a.jpg", "a-1.png", "b.png", "sub/c.webp")
    assert found.paths[-1] == tmp_path / "sub" / "c.webp"
    assert not found.left_out


def test_every_name_of_the_systems_folders_is_passed_over_in_any_case(tmp_path):
    plain(tmp_path / "one.png", 1)
    hidden = ("__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information")
    for name in (*hidden, "Thumbs", ".thumbnails", ".ipynb_checkpoints"):
        plain(tmp_path / name / "two.png", 2)
    plain(tmp_path / "class" / "._three.png", 3)
    found = find_images(tmp_path)
    assert found.names == ("one.png",)
    assert found.left_out.as_dict() == {"hidden": 9}


def test_a_hidden_folder_that_is_named_itself_is_searched(tmp_path):
    plain(tmp_path / ".cache" / "one.png", 1)
    assert find_images(tmp_path / ".cache").names == ("one.png",)


def test_linked_folders_and_files_are_found_under_the_name_of_the_link(tmp_path):
    plain(tmp_path / "store" / "cat.png", 1)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cats").symlink_to(tmp_path / "store")
    (tmp_path / "data" / "x.png").symlink_to(tmp_path / "store" / "cat.png")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert find_images(tmp_path / "link").names == ("cats/cat.png", "x.png")


def test_links_in_a_circle_end_and_each_folder_is_read_once(tmp_path):
    for name in ("one", "two"):
        plain(tmp_path / name / "x.png", 1)
    (tmp_path / "one" / "two").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "one").symlink_to(tmp_path / "one")
    (tmp_path / "two" / "up").symlink_to(tmp_path)
    found = find_images(tmp_path)
    assert found.names == ("one/x.png", "two/x.png")
    assert found.left_out.as_dict() == {"link to a folder already read": 3}


def test_folders_that_link_to_each_other_many_times_are_read_once(tmp_path):
    # By paths alone there would be 2 to the power of 40 of them.
    for level in range(40):
        (tmp_path / f"{level:02d}").mkdir()
        for link in "ab":
            (tmp_path / f"{level:02d}" / link).symlink_to(tmp_path / f"{level + 1:02d}")
    plain(tmp_path / "40" / "x.png", 1)
    assert find_images(tmp_path / "00").names == (f"{'a/' * 40}x.png",)


def test_a_real_folder_keeps_its_name_when_a_link_leads_to_it(tmp_path):
    plain(tmp_path / "z" / "x.png", 1)
    (tmp_path / "a").symlink_to(tmp_path / "z")
    found = find_images(tmp_path)
    assert found.names == ("z/x.png",)
    assert found.left_out.groups["link to a folder already read"].examples == ("a",)


def test_a_link_to_a_missing_image_is_found_and_a_link_to_a_missing_folder_is_counted(tmp_path):
    plain(tmp_path / "x.png", 1)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "cats").symlink_to(tmp_path / "nowhere")
    found = find_images(tmp_path)
    assert found.names == ("gone.jpg", "x.png")
    assert str(found.left_out) == "1 broken link (cats)"
    with pytest.raises(DataError, match=r"there is no image file .*gone\.jpg"):
        images.read(found.paths[0])


def test_pipes_sockets_and_devices_are_neither_found_nor_read(tmp_path):
    plain(tmp_path / "x.png", 1)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "linked.png").symlink_to(tmp_path / "pipe.png")
    found = find_images(tmp_path)
    assert found.names == ("x.png",)
    assert str(found.left_out) == "3 not regular files (linked.png, ...)"
    for name in ("pipe.png", "zero.jpg", "linked.png"):
        errors = []

        def read(path=tmp_path / name, errors=errors):
            with pytest.raises(DataError) as raised:
                images.read(path)
            errors.append(str(raised.value))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(5)
        assert errors == [
            f"{tmp_path / name} is not an image file, but a pipe, a socket or a device"
        ]


def test_an_unreadable_folder_is_counted_and_an_unreadable_root_is_an_error(tmp_path, monkeypatch):
    plain(tmp_path / "x.png", 1)
    plain(tmp_path / "locked" / "y.png", 1)
    (tmp_path / "locked").chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # another user may not enter the folders above
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        found = find_images(".")
        with pytest.raises(DataError, match=r"the folder locked cannot be read: .*denied"):
            find_images("locked")
    finally:
        if is_root:
            os.seteuid(0)
        (tmp_path / "locked").chmod(0o755)
    assert found.names == ("x.png",)
    assert str(found.left_out) == "1 unreadable folder (locked)"


def test_files_are_counted_by_ending_and_unknown_endings_together(tmp_path):
    plain(tmp_path / "x.png", 1)
    for name in ("1.HEIC", "2.heic", "3.psd", "film.mp4", "a.txt", "b.txt", "c.json", "README"):
        (tmp_path / name).touch()
    left_out = find_images(tmp_path).left_out
    assert left_out.as_dict() == {".heic": 2, ".mp4": 1, ".psd": 1, "other file": 4}
    assert str(left_out) == (
        "2 .heic (1.HEIC, ...), 1 .mp4 (film.mp4), 1 .psd (3.psd), "
        "4 other files (.json, .txt, no ending)"
    )


def test_a_folder_without_images_is_an_error_that_says_what_was_there(tmp_path):
    (tmp_path / "x.heic").touch()
    (tmp_path / ".DS_Store").touch()
    with pytest.raises(DataError) as raised:
        find_images(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path} holds no images ({', '.join(images.EXTENSIONS)}); "
        "left out: 1 .heic (x.heic), 1 hidden (.DS_Store)"
    )
    with pytest.raises(DataError, match=r"there is no folder .*nowhere"):
        find_images(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"there is no folder .*x\.heic"):
        find_images(tmp_path / "x.heic")


def test_only_images_directly_in_a_folder_and_visible_folders_are_listed(tmp_path):
    plain(tmp_path / "sub" / "x.png", 1)
    plain(tmp_path / "._x.png", 1)
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    (tmp_path / "__MACOSX").mkdir()
    assert not holds_images(tmp_path)
    assert holds_images(tmp_path / "sub")
    assert visible_folders(tmp_path) == ["link", "sub"]


def test_names_that_differ_in_the_ending_only_are_noted(tmp_path):
    for name in ("a.png", "b.png", "b.jpg", "b/a.png"):
        plain(tmp_path / name, 1)
    found = find_images(tmp_path)
    assert found.alike == ("b.jpg", "b.png")
    assert found.notes("trainA") == (
        "2 images have names that differ in the ending only (trainA/b.jpg, trainA/b.png); "
        "each of them is used",
    )
    (tmp_path / "b.jpg").unlink()
    assert find_images(tmp_path).notes() == ()


def test_what_was_left_out_adds_up_and_keeps_the_first_names():
    one = LeftOut.of("hidden", ["a", "b"]) + LeftOut.of("broken", [])
    both = one + LeftOut.of("hidden", ["c", "d"]) + LeftOut.of(".heic", ["e.heic"])
    assert both.as_dict() == {".heic": 1, "hidden": 4}
    assert both.groups["hidden"].examples == ("a", "b", "c", "d")
    assert str(both.below("trainA")) == "1 .heic (trainA/e.heic), 4 hidden (trainA/a, ...)"


def test_counts_are_one_line_without_control_characters_of_names():
    left_out = LeftOut.of("hidden", [".\x1b[2Jverified\n\udcff"])
    assert describe_counts("train", {"a": 1, "b": 1200}, left_out) == (
        r"train: a: 1 image, b: 1,200; left out: 1 hidden (.\x1b[2Jverified\n\udcff)"
    )
