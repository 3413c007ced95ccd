"""`verify` with further images and a judge, and its contact sheet."""

import json

import numpy as np
import pytest
from PIL import Image

import exporters
from exporters import ExportError
from exporters.inference.aspect import onto_canvas
from exporters.verification.eager_reference import EagerReference
from tests.exporters.fakes import Signature, generator, negative, noise, of_model, swap


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(4)
    shapes = ((8, 12, 3), (30, 20, 3), (8, 12, 1))
    return [random.integers(0, 256, shape).astype(np.uint8) for shape in shapes]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The photographic negative, with golden cases from three images and two seeded ones."""
    return exporters.export(
        {"a_to_b": negative()},
        tmp_path_factory.mktemp("given") / "bundle",
        golden_images={"a_to_b": {"image": noise(3, 8, 12, 3)}},
    )


def test_held_out_cases_are_those_from_examples(given, small):
    for check in exporters.verify(given, isolated=False).outputs:
        assert (check.golden.cases, check.held_out.cases, check.images) == (5, 3, None)
    for check in exporters.verify(small, isolated=False).outputs:
        assert (check.golden.cases, check.held_out) == (2, None)


def _brighter(name, inputs):
    """The negative, 0.25 brighter in floats."""
    (image,) = inputs.values()
    if image.dtype == np.uint8:
        return {"image": 255 - image}
    return {"image": (0.25 - image).astype(np.float32)}


def test_images_are_replayed_by_those_signatures_that_take_their_channels(given, images):
    outputs = exporters.verify(given, images=images, isolated=False).outputs
    for check in outputs:
        if check.artifact == "saved_model":
            assert (
                check.images is None
            )  # it computes the expected outputs, so it is not compared with itself
        else:
            assert check.images.cases == 2  # the grey one has too few channels
            assert check.passed


def test_images_are_brought_to_the_model_and_compared_with_the_original_passed_to_verify(
    given, images
):
    """Every output is 0.25 below that of this original, and the check reports it."""
    calls = []

    def original(name, inputs):
        calls.append((name, inputs["image"]))
        return _brighter(name, inputs)

    verification = exporters.verify(given, images=images, original=original, isolated=False)
    assert [name for name, _ in calls] == ["a_to_b"] * 2 + ["a_to_b_uint8"] * 2
    fitted = onto_canvas(images[1], (8, 12), "stretch")
    np.testing.assert_array_equal(calls[3][1][0], fitted)
    np.testing.assert_allclose(calls[1][1][0], fitted / 127.5 - 1.0, atol=1e-6)
    found = {(c.artifact, c.signature): c for c in verification.outputs}
    check = found["float32", "a_to_b"]
    assert check.images.max_abs == pytest.approx(0.25, abs=1e-6)
    assert check.images.colour_shift == pytest.approx((-0.25, -0.25, -0.25), abs=1e-6)
    assert check.golden.max_abs < 1e-6
    assert check.fault == (
        "float32: output 'image' of 'a_to_b' on the images given is off by 0.25, "
        "at most 0.0001 is allowed"
    )
    assert found["float32", "a_to_b_uint8"].passed


def test_an_eager_reference_may_be_the_original(given, images):
    original = EagerReference({"a_to_b": negative()}).run
    verification = exporters.verify(given, images=images, original=original, isolated=False)
    assert verification.passed
    assert all(check.images.cases == 2 for check in verification.outputs)


def test_other_inputs_come_from_golden_cases_and_exemplars_from_later_images(tmp_path):
    calls = []

    def original(name, inputs):
        if name == "swap":
            calls.append({key: float(value.mean()) for key, value in inputs.items()})
        return {
            key: -value if value.dtype != np.uint8 else 255 - value for key, value in inputs.items()
        }

    path = exporters.export({"swap": swap()}, tmp_path / "bundle")
    flat = [np.full((9, 9, 3), level, np.uint8) for level in (0, 51, 102, 255)]
    assert exporters.verify(path, images=flat, original=original, isolated=False).passed
    assert [round(each["image"], 1) for each in calls] == [-1.0, -0.6, -0.2, 1.0]
    assert [round(each["exemplar"], 1) for each in calls] == [-0.2, 1.0, -1.0, -0.6]


def test_images_without_a_saved_model_for_expected_outputs_are_a_fault(copy, images):
    (copy / "saved_model" / "saved_model.pb").write_bytes(b"")
    verification = exporters.verify(copy, images=images, isolated=False)
    assert any(
        fault.startswith("images were not replayed: saved_model/saved_model.pb")
        for fault in verification.faults
    )
    assert {check.artifact for check in verification.outputs} == {"float32"}


def test_images_that_no_signature_takes_are_a_fault(small, images):
    (fault,) = exporters.verify(small, images=images[2:], isolated=False).faults
    assert "no signature takes images with the number of channels" in fault


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory):
    fakes = {name: negative(name) for name in ("a_to_b", "b_to_a")}
    return exporters.export(fakes, tmp_path_factory.mktemp("both") / "bundle")


def test_each_direction_gets_the_images_passed_under_its_name(both_ways, images):
    calls = {}

    def original(name, inputs):
        calls.setdefault(name, []).append(inputs["image"])
        return {"image": 255 - inputs["image"] if name.endswith("uint8") else -inputs["image"]}

    by_direction = {"a_to_b": images[:1], "b_to_a": images[1:2] * 2}
    verification = exporters.verify(
        both_ways, images=by_direction, original=original, isolated=False
    )
    assert verification.passed, verification.failures
    counts = {check.signature: check.images.cases for check in verification.outputs}
    assert counts == {"a_to_b": 1, "a_to_b_uint8": 1, "b_to_a": 2, "b_to_a_uint8": 2}
    np.testing.assert_array_equal(calls["a_to_b_uint8"][0][0], images[0])
    np.testing.assert_array_equal(
        calls["b_to_a_uint8"][1][0], onto_canvas(images[1], (8, 12), "stretch")
    )


def test_a_direction_that_is_not_named_gets_no_images(both_ways, images):
    checks = exporters.verify(both_ways, images={"b_to_a": images[:1]}, isolated=False).outputs
    counts = {check.signature: check.images for check in checks if check.artifact == "float32"}
    assert counts["a_to_b"] is counts["a_to_b_uint8"] is None
    assert counts["b_to_a"].cases == counts["b_to_a_uint8"].cases == 1


def test_images_for_signatures_without_image_inputs_are_refused(both_ways, images):
    with pytest.raises(ExportError, match=r"names 'c', and the signatures .* are a_to_b, b_to_a"):
        exporters.verify(both_ways, images={"c": images}, isolated=False)
    for grey in (images[2:], []):
        with pytest.raises(ExportError, match="must hold images of 3 channels for 'a_to_b', got"):
            exporters.verify(both_ways, images={"a_to_b": grey}, isolated=False)


@pytest.mark.thorough
def test_a_judge_is_called_with_real_images_in_floats(tmp_path, images):
    """Metrics: the mean brightness of outputs, and of inputs as a check."""
    calls = []

    def judge(name, inputs, outputs):
        calls.append((name, len(outputs["image"]), inputs["image"].dtype, outputs["image"].dtype))
        values = {"out": outputs["image"].mean(), "in": inputs["image"].mean(), "none": np.nan}
        return {key: (float(value), len(outputs["image"])) for key, value in values.items()}

    signature = of_model("a_to_b", generator(3, filters=4))
    given = noise(2, 16, 24, 3, seed=9)
    path = exporters.export(
        {"a_to_b": signature},
        tmp_path / "bundle",
        recipes=("dynamic_int8",),
        golden_images={"a_to_b": {"image": given}},
    )
    verification = exporters.verify(path, images=images[:1], judge=judge, isolated=False)
    assert set(calls) == {("a_to_b", 3, np.dtype("float32"), np.dtype("float32"))}
    found = {(j.artifact, j.signature, j.metric): j for j in verification.judge_metrics}
    assert {metric for _, _, metric in found} == {
        "in",
        "out",
    }  # metrics that are not finite are omitted
    fitted = onto_canvas(images[0], (16, 24), "stretch") / 127.5 - 1.0
    images = np.concatenate([given, fitted[None].astype(np.float32)])
    mean = float(np.asarray(signature.function(image=images)["image"]).mean())
    changed = found["dynamic_int8", "a_to_b", "out"]
    assert changed.original == pytest.approx(mean, abs=1e-5)
    assert changed.change == pytest.approx(changed.value - mean, abs=1e-5)
    assert 0 < abs(changed.change) < 0.05
    assert found["dynamic_int8", "a_to_b", "in"].change == 0
    assert found["saved_model", "a_to_b", "out"].change == pytest.approx(0, abs=1e-5)
    content = json.loads(json.dumps(verification.as_dict(), allow_nan=False))
    assert {"metric", "original", "value", "change", "cases"} < set(content["judge_metrics"][0])


def test_no_judge_is_called_if_all_cases_are_seeded(small):
    def judge(*_):
        raise AssertionError("there is no real image")

    assert exporters.verify(small, judge=judge, isolated=False).passed


@pytest.mark.thorough
def test_the_contact_sheet_shows_keras_artifact_and_difference(tmp_path):
    """A model that answers 8 levels too bright everywhere: 64 in the column of differences."""
    size = (1, 112, 112, 3)
    flat = np.stack([np.full(size[1:], level, np.float32) for level in (-0.5, 0.0)])
    path = exporters.export(
        {"a_to_b": Signature("a_to_b", lambda image: {"image": image}, *_tensors(size))},
        tmp_path / "bundle",
        golden_images={"a_to_b": {"image": flat}},
    )
    _shift_golden(path, levels=-8)
    sheet = tmp_path / "deep" / "sheet.png"
    verification = exporters.verify(path, sheet=sheet, isolated=False)
    assert not verification.passed  # so it is written when it is needed most
    shown = np.asarray(Image.open(sheet).convert("RGB")).astype(int)
    columns, rows = 6, 4  # input, Keras, two artifacts with their differences
    assert shown.shape == (26 + 18 + rows * 116, columns * 116 + 4, 3)
    middle = [4 + 116 * column + 56 for column in range(columns)]
    first, second = 44 + 56, 44 + 116 + 56  # cases from examples come first
    # -0.5 is level 63.75, rounded to 64; the golden output says 8 less.
    np.testing.assert_allclose(shown[first, middle, 0], [64, 56, 64, 64, 64, 64], atol=1)
    np.testing.assert_allclose(shown[second, middle, 1], [128, 120, 128, 64, 128, 64], atol=1)
    assert sorted(p.name for p in sheet.parent.iterdir()) == ["sheet.png"]


def _tensors(shape):
    from tests.exporters.fakes import Tensor

    return (Tensor(shape=shape),), (Tensor(shape=shape),)


def _shift_golden(path, *, levels):
    """Makes the golden outputs darker, signed as a forger would."""
    from exporters.bundle.bundle import file_records
    from exporters.verification import golden

    manifest = exporters.open_bundle(path).manifest
    cases = golden.read((path / "golden.npz").read_bytes(), manifest)
    for name, each in cases.items():
        shift = levels if name.endswith("uint8") else levels / 127.5
        for key, values in each.outputs.items():
            moved = values.astype(np.float64) + shift
            each.outputs[key] = moved.clip(0 if name.endswith("uint8") else -2, 255).astype(
                values.dtype
            )
    golden.write(path / "golden.npz", cases)
    content = json.loads((path / "manifest.json").read_text())
    content["files"]["golden.npz"] = file_records(path)["golden.npz"].model_dump()
    (path / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bundle/sheet.png", "`sheet` must lie outside the bundle, which stays as it was exported"),
        ("sheet.jpg", r"must be a file that ends in \.png, got 'sheet.jpg'"),
        ("folder.png", "must be a file, and .* is a folder"),
    ],
)
def test_a_contact_sheet_at_an_invalid_path_is_refused(tmp_path, name, message):
    path = exporters.export({"a_to_b": negative()}, tmp_path / "bundle")
    (tmp_path / "folder.png").mkdir()
    before = sorted(path.rglob("*"))
    with pytest.raises(ExportError, match=message):
        exporters.verify(path, sheet=tmp_path / name, isolated=False)
    assert sorted(path.rglob("*")) == before


def test_sidecar_files_are_copied_and_hashed(tmp_path):
    path = exporters.export(
        {"a_to_b": negative()}, tmp_path / "bundle", sidecar={"judges/a.npz": b"content"}
    )
    assert (path / "judges" / "a.npz").read_bytes() == b"content"
    assert exporters.verify(path, isolated=False).passed
    (path / "judges" / "a.npz").write_bytes(b"changed")
    assert exporters.verify(path, isolated=False).failures == (
        "judges/a.npz was changed after export (its sha256 is not the manifest's)",
    )


@pytest.mark.parametrize("name", ["../a", "a", "/a/b", "saved_model/a", "a//b", "manifest.json/a"])
def test_sidecar_files_must_be_in_new_folders(tmp_path, name):
    with pytest.raises(ExportError, match="`sidecar` must name files by paths"):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle", sidecar={name: b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("aspect", ["letterbox", "crop"])
def test_images_come_to_the_model_by_the_aspect_of_the_bundle(tmp_path, images, aspect):
    path = exporters.export({"a_to_b": negative()}, tmp_path / "bundle", aspect=aspect)
    calls = []

    def original(name, inputs):
        calls.append(inputs["image"])
        return EagerReference({"a_to_b": negative()}).run(name, inputs)

    assert exporters.verify(path, images=images, original=original, isolated=False).passed
    expected = onto_canvas(images[1], (8, 12), aspect)
    np.testing.assert_array_equal(calls[3][0], expected)
    assert (expected != onto_canvas(images[1], (8, 12), "stretch")).any()
