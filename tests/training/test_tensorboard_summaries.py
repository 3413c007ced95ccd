"""Summaries for TensorBoard are written at their step, and leak no memory."""

import ctypes
import gc

import pytest
import tensorflow as tf

from tf_translate.training.tensorboard_summaries import summaries_at, write_scalars


class _MallocInfo(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks")
    _fields_ = [(name, ctypes.c_size_t) for name in (*_names, "fordblks", "keepcost")]


def allocated_kib():
    """KiB that malloc has allocated and not freed; independent of the resident size."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("needs mallinfo2 of glibc 2.33 or later")
    libc.mallinfo2.restype = _MallocInfo
    gc.collect()
    info = libc.mallinfo2()
    return (info.uordblks + info.hblkhd) / 1024


@pytest.mark.slow
def test_a_thousand_rows_of_metrics_leak_no_memory(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))

    def write(first, last):
        for step in range(first, last):
            write_scalars(writer, step, {"metric": step / 7})
        writer.flush()

    write(0, 100)  # allocates kernels and buffers
    before = allocated_kib()
    write(100, 1100)
    assert allocated_kib() - before < 400, "a leak of a thousand steps and metrics takes 1,300 KiB"


def test_a_metric_is_written_at_its_step(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    write_scalars(writer, 7, {"content/l1": 0.25})
    with summaries_at(writer, 9):
        tf.summary.text("warnings", "text")
    writer.close()
    (file,) = tmp_path.iterdir()
    events = list(tf.compat.v1.train.summary_iterator(str(file)))
    found = {(e.step, value.tag): value for e in events for value in e.summary.value}
    assert set(found) == {(7, "content/l1"), (9, "warnings")}
    assert tf.make_ndarray(found[7, "content/l1"].tensor) == 0.25
