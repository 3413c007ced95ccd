"""What is written for TensorBoard, and that writing it keeps nothing."""

import ctypes
import gc

import pytest
import tensorflow as tf

from tf_translate.training.tensorboard_summaries import at, write_scalars


class _MallInfo(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks")
    _fields_ = [(name, ctypes.c_size_t) for name in (*_names, "fordblks", "keepcost")]


def kib_in_use():
    """KiB that were asked of malloc and not given back, whatever the system counts."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("only glibc since 2.33 tells what is in use")
    libc.mallinfo2.restype = _MallInfo
    gc.collect()
    info = libc.mallinfo2()
    return (info.uordblks + info.hblkhd) / 1024


def test_a_thousand_rows_of_metrics_leave_no_memory_behind(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))

    def write(first, last):
        for step in range(first, last):
            write_scalars(writer, step, {"metric": step / 7})
        writer.flush()

    write(0, 100)  # kernels and buffers are made
    before = kib_in_use()
    write(100, 1100)
    assert kib_in_use() - before < 400, "a thousand steps and as many metrics are 1,300"


def test_a_metric_is_written_at_its_step(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    write_scalars(writer, 7, {"content/l1": 0.25})
    with at(writer, 9):
        tf.summary.text("signs", "text")
    writer.close()
    (file,) = tmp_path.iterdir()
    events = list(tf.compat.v1.train.summary_iterator(str(file)))
    found = {(e.step, value.tag): value for e in events for value in e.summary.value}
    assert set(found) == {(7, "content/l1"), (9, "signs")}
    assert tf.make_ndarray(found[7, "content/l1"].tensor) == 0.25
