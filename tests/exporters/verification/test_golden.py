import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from exporters import BundleError, open_bundle
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.verification import golden

IMAGE = TensorRecord(name="image", shape=(1, 32, 32, 3), dtype="float32", value_range=(-1, 1))


def _record(*tensors):
    return SignatureRecord(inputs=tensors, outputs=(IMAGE,))


def test_seeded_images_fill_the_range_and_the_first_is_smooth():
    images = golden.make_inputs("f", _record(IMAGE), {}, 0)["image"]
    assert images.shape == (2, 1, 32, 32, 3)
    assert images.dtype == np.float32
    assert images.min() >= -1
    assert images.max() <= 1
    steps = np.abs(np.diff(images, axis=3)).mean(axis=(1, 2, 3, 4))
    assert np.ptp(images[0]) > 1
    assert steps[0] < 0.1  # neighbours of uniform noise differ by 2/3 on average
    assert steps[1] == pytest.approx(2 / 3, abs=0.05)


def test_inputs_that_are_not_images_are_seeded_in_their_type_and_range():
    whole = TensorRecord(name="label", shape=(1, 500), dtype="int32", value_range=(2, 4))
    free = TensorRecord(name="noise", shape=(1, 5000), dtype="float32")
    inputs = golden.make_inputs("f", _record(whole, free), {}, 0)
    assert set(np.unique(inputs["label"])) == {2, 3, 4}
    assert inputs["noise"].std() == pytest.approx(1, abs=0.05)


def test_at_most_32_examples_follow_the_seeded_cases():
    given = np.linspace(-1, 1, 35, dtype=np.float32)[:, None, None, None] * np.ones(
        (1, 32, 32, 3), np.float32
    )
    images = golden.make_inputs("f", _record(IMAGE), {"image": given}, 0)["image"]
    assert images.shape[0] == 2 + 32
    np.testing.assert_array_equal(images[2:, 0], given[:32])


def test_another_signature_or_seed_gives_other_golden_cases():
    one, same, name, seed = (
        golden.make_inputs(*arguments)["image"]
        for arguments in (
            ("f", _record(IMAGE), {}, 0),
            ("f", _record(IMAGE), {}, 0),
            ("g", _record(IMAGE), {}, 0),
            ("f", _record(IMAGE), {}, 1),
        )
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, name)
    assert not np.array_equal(one, seed)


def test_golden_outputs_of_the_negative_are_exact(small):
    bundle = open_bundle(small)
    cases = golden.read(bundle.read("golden.npz"), bundle.manifest)
    floats, pixels = cases["a_to_b"], cases["a_to_b_uint8"]
    assert floats.count == pixels.count == 2
    np.testing.assert_array_equal(floats.outputs["image"], -floats.inputs["image"])
    inverted = 255 - pixels.inputs["image"].astype(int)  # -(p/127.5 - 1) is (255 - p)/127.5 - 1
    np.testing.assert_array_equal(pixels.outputs["image"], inverted)


def _rewritten(small, member, content):
    """The golden file with one member replaced (or dropped), and the bundle's manifest."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(small / "golden.npz") as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            kept = content if name == member else old.read(name)
            if kept is not None:
                new.writestr(name, kept, zipfile.ZIP_DEFLATED)
    return buffer.getvalue(), open_bundle(small).manifest


def _npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _header(shape, dtype="<f4"):
    """An array file that claims a shape and holds the bytes of the right one."""
    buffer = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + bytes(4 * 2 * 8 * 12 * 3)


MEMBER = "a_to_b/inputs/image.npy"


def test_a_rewritten_golden_array_of_the_right_shape_and_type_is_read(small):
    content, manifest = _rewritten(small, MEMBER, _npy(np.zeros((2, 1, 8, 12, 3), np.float32)))
    assert not golden.read(content, manifest)["a_to_b"].inputs["image"].any()


class _Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


def _pickled():
    buffer = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (2, 1, 8, 12, 3)}
    np.lib.format.write_array_header_1_0(buffer, header)
    return (buffer.getvalue() + pickle.dumps(_Bomb())).ljust(4 * 2 * 8 * 12 * 3 + 128, b"\0")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "must hold the members"),
        (b"", "unpacks to 0 bytes where float32"),
        (bytes(10**7), "unpacks to 10000000 bytes where float32 .* takes 2304"),
        (_pickled(), "is object .* where the manifest says float32"),
        (_header((10**6, 10**6)), "is float32 .1000000, 1000000. where the manifest says"),
        (_header((2, 1, 8, 12, 3), "<i4"), "is int32 .* where the manifest says float32"),
        (b"no array".ljust(2400), "cannot be read"),
    ],
)
def test_golden_arrays_of_other_shapes_types_or_values_are_refused(small, content, message):
    with pytest.raises(BundleError, match=message):
        golden.read(*_rewritten(small, MEMBER, content))


def test_a_golden_file_with_further_members_is_refused(small):
    content, manifest = _rewritten(small, MEMBER, None)
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("../" + MEMBER, b"")
    with pytest.raises(BundleError, match="must hold the members"):
        golden.read(buffer.getvalue(), manifest)


def test_a_golden_file_that_is_not_an_archive_is_refused(small):
    with pytest.raises(BundleError, match=r"golden\.npz cannot be read"):
        golden.read(b"PK but no archive", open_bundle(small).manifest)


def test_a_pickle_in_place_of_the_golden_file_is_never_run(copy, edit_manifest):
    """Through `verify`: hashes agree, because an attacker can update them."""
    import hashlib

    import exporters

    content, _ = _rewritten(copy, MEMBER, _pickled())
    (copy / "golden.npz").write_bytes(content)
    record = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    edit_manifest(copy, lambda manifest: manifest["files"].update({"golden.npz": record}))
    verification = exporters.verify(copy, isolated=False)
    assert not verification.passed
    assert "nothing was replayed: golden.npz: a_to_b/inputs/image.npy is object" in json.dumps(
        verification.as_dict()
    )
