"""Wrong arguments of public functions end in one sentence that names the argument."""

import numpy as np
import pytest
import tensorflow as tf

import exporters
from exporters import Calibration, ExportError, Signature, Tensor
from tests.exporters.fakes import negative

PIXELS = np.zeros((8, 12, 3), np.uint8)
IMAGE = Tensor("image", (None, 8, 12, 3), value_range=(-1.0, 1.0))


def signature(function, inputs=(IMAGE,), outputs=(IMAGE,)):
    return {"a": Signature("a", function, inputs, outputs)}


def same(image):
    return {"image": image}


SIGNATURES = {
    "none": (None, "`signatures` must be a mapping"),
    "a list": ([negative()], "`signatures` must be a mapping"),
    "a function": ({"a": same}, "`signatures` must hold signatures, .* got a function"),
    "no function": (signature(None), "`signatures` must hold signatures"),
    "one tensor": (signature(same, IMAGE), "'a': `inputs` must be a tuple of tensors"),
    "shape": (signature(same, (Tensor("image", 8),)), "`shape of 'image'` must be a tuple"),
    "range": (
        signature(same, (Tensor("image", (1, 8, 12, 3), value_range=5),)),
        "`value_range of 'image'` must hold a minimum and a maximum, or None, got 5",
    ),
    "result": (signature(lambda image: image), "`result of signature 'a'` must be a mapping"),
    "inputs": (signature(lambda x: {"image": x}), "signature 'a' fails on image: .*unexpected"),
    "NumPy": (
        signature(lambda image: {"image": np.negative(image)}),
        "is not TensorFlow code alone and cannot be exported",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SIGNATURES)
def test_signatures_that_are_none_are_refused(tmp_path, case):
    signatures, sentence = SIGNATURES[case]
    with pytest.raises(ExportError, match=sentence):
        exporters.export(signatures, tmp_path / "bundle")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"recipes": 5}, "`recipes` must be one or more names in a sequence, got 5"),
        ({"recipes": [["int8"]]}, r"`recipes` must hold names of recipes .* got \['int8'\] in it"),
        ({"golden_images": PIXELS}, r"`golden_images` must be a mapping .* array of shape"),
        ({"golden_images": {"a_to_b": PIXELS}}, "`golden_images` must be a mapping such as"),
        ({"seed": "x"}, "`seed` must be a whole number, got 'x'"),
        ({"model_version": 1.2}, "`model_version` must be a text, got 1.2"),
        ({"source": "run"}, "`source` must be a mapping, got 'run'"),
        ({"web": True}, "`web` must hold paths of packed files, got True"),
        ({"sidecar": {"a/b": "text"}}, r"`sidecar\['a/b'\]` must be bytes, got 'text'"),
        ({"recipes": ["int8"], "calibration": {"a_to_b": {}}}, "must be exporters.Calibration"),
        (
            {"recipes": ["int8"], "calibration": Calibration({"a_to_b": PIXELS})},
            "`calibration` must be a mapping such as",
        ),
    ],
)  # fmt: skip
def test_wrong_options_of_export_are_refused(tmp_path, options, sentence):
    with pytest.raises(ExportError, match=sentence):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle", **options)


def _specs(*specs):
    return tf.function(lambda *tensors: tensors[0], input_signature=specs)


MODEL = _specs(tf.TensorSpec((None, 8, 12, 3)))
OPEN = _specs(tf.TensorSpec((None, None, None, 3)))
DESCRIBED = {
    "size": (lambda: exporters.signature_of(OPEN, size=8), "`size` must be height and width"),
    "side of 0": (lambda: exporters.signature_of(OPEN, size=(0, 8)), "`size` must be height"),
    "range": (lambda: exporters.signature_of(MODEL, ranges=("a", "b")), "`ranges` must be a min"),
    "infinite": (lambda: exporters.signature_of(MODEL, ranges=(0, np.inf)), "`ranges` must be"),
    "names": (lambda: exporters.signature_of(MODEL, names=["image"]), "`names` must be a mapping"),
    "name": (lambda: exporters.signature_of(MODEL, name=None), "`name` must be a text, got None"),
    "ragged": (
        lambda: exporters.signature_of(_specs(tf.RaggedTensorSpec((None, None)))),
        "`model` must be a tf.function of tensors",
    ),
    "nothing": (
        lambda: exporters.signature_of(
            tf.function(lambda _: None, input_signature=[tf.TensorSpec((None, 8, 12, 3))])
        ),
        "`model` must return tensors",
    ),
    "too small": (
        lambda: exporters.signature_of(
            tf.function(
                lambda image: tf.nn.conv2d(image, tf.zeros((9, 9, 3, 3)), 1, "VALID"),
                input_signature=[tf.TensorSpec((None, None, None, 3))],
            ),
            size=(4, 4),
        ),
        r"the model does not run on inputs of shape \(1, 4, 4, 3\): Negative dimension size",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DESCRIBED)
def test_models_that_cannot_be_described_are_refused(case):
    call, sentence = DESCRIBED[case]
    with pytest.raises(ExportError, match=sentence):
        call()


USED = {
    "Runner": (lambda b, _: exporters.Runner(b), "`bundle` must be what open_bundle returns"),
    "isolated": (lambda b, _: exporters.IsolatedRunner(b), "`bundle` must be what open_bundle"),
    "threads": (
        lambda b, _: exporters.Runner(exporters.open_bundle(b), threads="2"),
        "`threads` must be a whole number, got '2'",
    ),
    "open": (lambda b, _: exporters.open_bundle(None), "`path` must be a path, got None"),
    "run": (lambda _, r: r.run("a_to_b", [1]), "`inputs` must be a mapping"),
    "list": (lambda _, r: r.run("a_to_b", {"image": [1]}), "must be a NumPy array, got"),
    "signature": (lambda _, r: r.run(["a_to_b"], {}), "there is no signature"),
    "model": (lambda b, _: exporters.translate_image(b, PIXELS), "`model` must be exporters.Runn"),
    "attributes": (
        lambda _, r: exporters.translate_image(r, PIXELS, attributes=None),
        "`attributes` must be a mapping",
    ),
    "overlap": (
        lambda _, r: exporters.translate_tiles(r, PIXELS, overlap="x"),
        "`overlap` must be a whole number of pixels, got 'x'",
    ),
    "images": (lambda b, _: exporters.verify(b, images="photos"), "`images` must hold uint8"),
    "float": (
        lambda b, _: exporters.verify(b, images=[PIXELS.astype(float)]),
        r"`images` must hold uint8 .* got float64 \(8, 12, 3\) in it",
    ),
    "limits": (lambda b, _: exporters.lint(b, limits=5), "`limits` must be exporters.Limits"),
    "seconds": (lambda _, __: exporters.Limits(seconds="5"), "a number above 0, got '5'"),
    "counts": (lambda b, _: exporters.benchmark(b, threads=1), "`threads` must hold numbers of"),
    "runs": (lambda b, _: exporters.benchmark(b, runs="5"), "`runs` must be a whole number"),
    "other": (lambda b, _: exporters.compare(b, None), "`other` must be a path, got None"),
    "timings": (lambda b, _: exporters.keep_latency(b, 5), "`timings` must hold what `benchmark`"),
    "folder": (
        lambda b, _: exporters.write_android_project(b, None),
        "`directory` must be a path, got None",
    ),
    "package": (
        lambda b, _: exporters.write_android_project(b, "app", package=None),
        "`package` must be a text, got None",
    ),
    "recipe": (
        lambda b, _: exporters.write_android_project(b, "app", recipe=["float32"]),
        r"`recipe` must be a text, got \['float32'\]",
    ),
    "choice": (
        lambda _, __: exporters.pick_diverse_images(["a.png"]),
        "`images` must hold images .* got 'a.png' in it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", USED)
def test_wrong_arguments_of_a_bundles_functions_are_refused(small, case):
    call, sentence = USED[case]
    with pytest.raises(ExportError, match=sentence):
        call(small, exporters.Runner(exporters.open_bundle(small)))


def test_a_path_in_place_of_pixels_is_a_value_error(small):
    runner = exporters.Runner(exporters.open_bundle(small))
    with pytest.raises(ValueError, match=r"`pixels` must be uint8 .* got 'a\.png'"):
        exporters.translate_image(runner, "a.png")
