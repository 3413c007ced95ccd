"""Files are replaced whole or not at all."""

import os

import pytest

from tf_translate.atomic_files import write_atomically, write_text_atomically


def test_a_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, lambda target: target.write_text("{}"))
    assert os.read(reader, 9) == b"{}"
    os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_text_gets_its_folder_and_leaves_no_temporary_file(tmp_path):
    write_text_atomically(tmp_path / "new" / "notes.txt", "ä")
    assert (tmp_path / "new" / "notes.txt").read_bytes() == "ä".encode()
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["notes.txt"]


def test_a_name_of_as_many_bytes_as_a_file_system_takes_can_be_written(tmp_path):
    target = tmp_path / ("ä" * 125 + ".txt")
    write_text_atomically(target, "")
    assert [each.name for each in tmp_path.iterdir()] == [target.name]
