from dataclasses import dataclass

import numpy as np
import pytest

import exporters
from exporters.bundle.signatures import make_records
from exporters.errors import ExportError
from tests.exporters.fakes import (
    Scalars,
    ScalarsWithDefault,
    Signature,
    Tensor,
    dim,
    edit,
    negative,
    noise,
    refine,
    scalars,
)


@dataclass(frozen=True)
class TypicalTensor(Tensor):
    range_is_typical: bool = True


def test_an_unknown_batch_is_recorded_as_one():
    record = make_records({"a_to_b": negative()})["a_to_b"]
    assert record.inputs[0].shape == (1, 8, 12, 3)


def test_labels_are_recorded_for_both_variants_and_may_be_missing():
    records = make_records({"edit": edit()})
    for name in ("edit", "edit_uint8"):
        image, attributes = records[name].inputs
        assert image.labels == ()  # the fake tensor has no such attribute at all
        assert attributes.labels == ("glasses", "hair=black", "hair=blond")


def test_defaults_and_meanings_are_recorded_for_both_variants():
    records = make_records({"refine": refine(), "dim": dim()})
    for name in ("refine", "refine_uint8"):
        image, steps, style = records[name].inputs
        assert (image.default, image.meaning) == (None, "")
        assert (steps.default, steps.meaning) == ((3.0,), "how many steps count")
        assert style.default == (1.0, 0.0)
    assert records["dim"].inputs[1].default == (1.0,)  # a strength without a declared default
    tensors = records["refine"].model_dump(mode="json")["inputs"]
    assert [
        sorted(set(tensor) - {"name", "shape", "dtype", "value_range"}) for tensor in tensors
    ] == [
        [],
        ["default", "labels", "meaning"],
        ["default", "labels"],
    ]


def test_an_output_has_no_default():
    given = ScalarsWithDefault("style", (None, 2), default=(1.0, 0.0))
    record = make_records({"f": Signature("f", lambda **_: {}, (Tensor(),), (given,))})["f"]
    assert record.outputs[0].default is None


def test_images_get_a_uint8_variant_and_other_tensors_stay():
    attributes = Tensor("attributes", (None, 5), "float32", (0.0, 1.0))
    signature = Signature("edit", lambda **_: {}, (Tensor(), attributes), (Tensor(),))
    variant = make_records({"edit": signature})["edit_uint8"]
    assert [(t.dtype, t.value_range) for t in variant.inputs] == [
        ("uint8", (0.0, 255.0)),
        ("float32", (0.0, 1.0)),
    ]
    assert variant.pixels_of == "edit"
    assert variant.inference_behavior == {"dropout": "off"}


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("mask", (None, 8, 12, 1), value_range=(0.0, 1.0)),
        Tensor(shape=(None, 9)),
        Tensor(value_range=None),
        TypicalTensor(),
    ],
)
def test_tensors_that_are_no_images_get_no_uint8_variant(tensor):
    assert list(make_records({"f": Signature("f", lambda **_: {}, (tensor,), (tensor,))})) == ["f"]


@pytest.mark.parametrize("limits", [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
def test_images_of_every_range_get_a_uint8_variant(limits):
    tensor = Tensor(value_range=limits)
    records = make_records({"f": Signature("f", lambda **_: {}, (tensor,), (tensor,))})
    assert records["f"].inputs[0].value_range == limits
    assert records["f_uint8"].outputs[0].value_range == (0, 255)


def test_a_range_that_is_only_typical_is_recorded_as_such():
    records = make_records({"f": Signature("f", lambda **_: {}, (Tensor(), TypicalTensor("t")))})
    typical = records["f_uint8"].inputs[1]
    assert (typical.range_is_typical, typical.limits) == (True, (-np.inf, np.inf))
    assert "range_is_typical" in typical.model_dump()
    assert "range_is_typical" not in records["f"].inputs[0].model_dump()


@pytest.mark.parametrize(
    ("signatures", "message"),
    [
        ({}, "`signatures` is empty"),
        ({"b": negative("a")}, "signature 'a' has the key 'b' in `signatures`"),
        ({"a-b": negative("a-b")}, "must be letters, digits and underscores.*got 'a-b'"),
        (
            {"a": negative("a"), "a_uint8": negative("a_uint8")},
            "the name 'a_uint8' is reserved for the uint8 variant of 'a'",
        ),
    ],
)
def test_impossible_names_are_refused(signatures, message):
    with pytest.raises(ExportError, match=message):
        make_records(signatures)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (Tensor(shape=(None, None, 8, 3)), "has the unknown side.*phones need static shapes"),
        (Tensor(shape=(1, 0, 8, 3)), "`shape`: .*sides of at least 1"),
        (Tensor(shape=(1, 2**15, 2**15, 3)), "at most 268435456 elements"),
        (Tensor(dtype="float64"), "`dtype`: .*'float32', 'int32' or 'uint8', got 'float64'"),
        (Tensor(name="my image"), "`name`: .*got 'my image'"),
        (scalars("n", "a", "b", "a"), "`labels`: labels must all be different, 'a' is there twice"),
        (
            Scalars("n", (None, 3), labels=("a", "b")),
            "`labels`: there must be one for each scalar along the last axis of .1, 3., got 2",
        ),
        (scalars("n", "a" * 101), "`labels`: String should have at most 100 characters"),
        (scalars("n", ""), "`labels`: String should have at least 1 character"),
        (scalars("n", "a\nb"), "`labels`: a label must be printable"),
        (
            ScalarsWithDefault("n", (None, 2), default=(0.5,)),
            "`default`: there must be one value for each scalar along the last axis of .1, 2.",
        ),
        (
            ScalarsWithDefault("n", (None, 2), default=(0.5, 1.5)),
            r"`default`: every value must be in .0.0, 1.0",
        ),
        (
            ScalarsWithDefault("n", (None, 2), default=(0.5, float("nan"))),
            "`default`: .*finite number",
        ),
        (
            ScalarsWithDefault("n", (None, 2), meaning="a\nb"),
            "`meaning`: it must be one line of printable",
        ),
        (
            Tensor(value_range=(1.0, -1.0)),
            "`value_range` of tensor 'image' must have a minimum below",
        ),
    ],
)
def test_impossible_tensors_are_refused(tensor, message):
    with pytest.raises(ExportError, match=message):
        make_records({"f": Signature("f", lambda **_: {}, (tensor,))})


def test_inputs_of_one_name_are_refused():
    twice = Signature("f", lambda **_: {}, (Tensor(), Tensor()))
    with pytest.raises(ExportError, match=r"inputs of different names, got .'image', 'image'"):
        make_records({"f": twice})


@pytest.mark.parametrize("name", ["lambda", "in", "None", "self"])
def test_an_input_named_like_a_keyword_is_refused_before_tracing(name):
    signature = Signature("f", lambda **tensors: {"image": tensors[name]}, (Tensor(name),))
    with pytest.raises(ExportError) as refused:
        make_records({"f": signature})
    assert str(refused.value) == (
        f"an input must not be named `self` or like a keyword of Python, got {name!r} in "
        f"signature 'f'; rename it, for example to '{name.lower()}_value'"
    )


@pytest.mark.slow
def test_outputs_may_be_named_like_keywords_and_inputs_like_soft_ones(tmp_path):
    signature = Signature(
        "f", lambda match: {"lambda": -match}, (Tensor("match"),), (Tensor("lambda"),)
    )
    bundle = exporters.export({"f": signature}, tmp_path / "bundle")
    image = noise(1, 8, 12, 3)
    found = exporters.Runner(exporters.open_bundle(bundle)).run("f", {"match": image})
    np.testing.assert_allclose(found["lambda"], -image, atol=1e-6)
