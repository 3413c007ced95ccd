"""Messages between a command and its child: exact round trips, and nothing unexpected is read."""

import io
import json
import struct

import numpy as np
import pytest

from exporters.untrusted import messages
from exporters.untrusted.messages import MessageError

ARRAYS = {
    "image": np.arange(24, dtype=np.float32).reshape(1, 2, 4, 3),
    "pixels": np.arange(6, dtype=np.uint8).reshape(1, 6)[:, ::2],  # not contiguous
    "scalar": np.array(7, np.int32),
}
SPECS = {name: (value.shape, str(value.dtype)) for name, value in ARRAYS.items()}


def _stream(content, arrays=None):
    stream = io.BytesIO()
    messages.write(stream, content, arrays)
    stream.seek(0)
    return stream


def test_values_and_arrays_arrive_as_they_were_sent():
    stream = _stream({"do": "run"}, ARRAYS)
    header = messages.read_header(stream)
    assert header["do"] == "run"
    found = messages.read_arrays(stream, header, SPECS)
    assert messages.specs_of(header).keys() == SPECS.keys()
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype
    with pytest.raises(EOFError):
        messages.read_header(stream)


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {**SPECS, "more": ((1,), "float32")},
        {**SPECS, "image": ((10**6, 10**6), "float32")},
        {**SPECS, "image": ((1, 2, 4, 3), "float64")},
    ],
)
def test_arrays_that_are_not_expected_are_not_read(expected):
    stream = _stream({}, ARRAYS)
    header = messages.read_header(stream)
    with pytest.raises(MessageError, match="it sent the arrays"):
        messages.read_arrays(stream, header, expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x05\0\0", "cut off"),
        (struct.pack("<Q", 2**60), "longer than 16777216"),
        (struct.pack("<Q", 9) + b"{}", "cut off"),
        (struct.pack("<Q", 2) + b"[]", "not a JSON object"),
        (struct.pack("<Q", 2) + b"\xff\xff", "not JSON"),
        (struct.pack("<Q", 100_000) + b"[" * 100_000, "not JSON"),
    ],
)
def test_broken_headers_are_refused(content, message):
    with pytest.raises(MessageError, match=message):
        messages.read_header(io.BytesIO(content))


def test_arrays_that_are_cut_off_are_refused():
    content = _stream({}, ARRAYS).getvalue()[:-3]
    stream = io.BytesIO(content)
    header = messages.read_header(stream)
    with pytest.raises(MessageError, match="cut off"):
        messages.read_arrays(stream, header, SPECS)


def test_a_header_that_announces_a_pickle_is_refused():
    header = json.dumps({"arrays": [["image", "|O", [1]]]}).encode()
    stream = io.BytesIO(struct.pack("<Q", len(header)) + header + b"\x80\x04")
    with pytest.raises(MessageError, match="it sent the arrays"):
        messages.read_arrays(stream, messages.read_header(stream), {"image": ((1,), "float32")})
