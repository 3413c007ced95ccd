"""Signatures that take more than an image: exported, verified, run and chosen."""

import numpy as np
import pytest

import exporters
from exporters import ExportError, translate_image, translate_images
from exporters.bundle.manifest import TensorRecord
from exporters.bundle.scalar_inputs import input_row
from exporters.verification import golden
from exporters.verification.eager_reference import EagerReference
from tests.exporters.fakes import (
    Signature,
    Tensor,
    dim,
    edit,
    negative,
    refine,
    scalars,
    swap,
)

EDIT = {"glasses": 1, "hair=blond": 1}
GREY = np.full((20, 30, 3), 100, np.uint8)
_GREYS = np.zeros((2, 8, 12, 3), np.float32)


@pytest.fixture(scope="module")
def runner(many):
    return exporters.Runner(exporters.open_bundle(many))


def _colour(pixels):
    return pixels.reshape(-1, 3)[0].tolist()


# --- values worked out by hand -----------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("given", "colour"),
    [
        # red by glasses, green by black hair, blue by blond hair; 0 -> 0, 0.5 -> 128, 1 -> 255
        ({"glasses": 1, "hair=blond": 1}, [255, 0, 255]),
        ({"glasses": 0, "hair=black": 1}, [0, 255, 0]),
        ({"glasses": 0.5, "hair=black": 0.5, "hair=blond": 1}, [128, 128, 255]),
        ({"hair=black": 0, "glasses": 1}, [255, 0, 0]),
    ],
)
def test_attribute_values_reach_the_columns_of_their_labels(runner, given, colour):
    translated = translate_image(runner, GREY, signature="edit", attributes=given)
    assert translated.shape == GREY.shape
    assert _colour(translated) == colour


def _scalar(name, largest):
    return TensorRecord(
        name=name, shape=(1, 1), dtype="float32", value_range=(0.0, largest), labels=(name,)
    )


@pytest.mark.parametrize(("value", "said"), [(11, "11"), (-1, "-1")])
def test_more_steps_than_the_model_has_are_refused(value, said):
    steps = _scalar("steps", 10.0)
    assert input_row(steps, {"steps": 10}).tolist() == [[10.0]]
    with pytest.raises(ExportError, match=f"^steps must be from 0 to 10, got {said}$"):
        input_row(steps, {"steps": value})


@pytest.mark.parametrize("value", [True, np.True_, np.float64(1), np.array(1.0)])
def test_values_of_python_and_numpy_are_taken(value):
    assert input_row(_scalar("strength", 1.0), {"strength": value}).tolist() == [[1.0]]


def test_a_value_that_is_no_number_is_refused():
    strength = _scalar("strength", 1.0)
    with pytest.raises(ExportError, match="'strength' must be a number such as 1, got 'many'"):
        input_row(strength, {"strength": "many"})


def test_a_strength_is_one_where_it_is_not_given_and_may_exaggerate(runner):
    # level 100 is -0.21568 in [-1, 1]; twice that is -0.43137, level 72.5, rounded up
    for given, level in (({}, 100), ({"strength": 2}, 73), ({"strength": 0}, 128)):
        translated = translate_image(runner, GREY, signature="dim", attributes=given)
        assert _colour(translated) == [level] * 3


def test_a_second_output_has_the_size_of_the_exemplar(runner):
    # the aspect ratios differ, so the position on the canvas matters
    exemplar = np.zeros((50, 10, 3), np.uint8)
    exemplar[:25] = 200
    both = translate_images(runner, GREY, exemplar=exemplar)
    assert list(both) == ["image", "exemplar"]
    assert both["image"].shape == GREY.shape
    assert both["exemplar"].shape == exemplar.shape
    assert _colour(both["image"]) == [155] * 3
    assert both["exemplar"][:15].mean() == pytest.approx(55, abs=3)
    assert both["exemplar"][35:].mean() == pytest.approx(255, abs=3)
    main = translate_image(runner, GREY, exemplar=exemplar)
    np.testing.assert_array_equal(main, both["image"])


def test_omitted_inputs_have_their_default_and_attributes_are_required(tmp_path):
    path = exporters.export(
        {"refine": refine()}, tmp_path / "bundle", golden_images={"refine": {"image": _GREYS}}
    )
    bundle = exporters.open_bundle(path)
    runner, original = exporters.Runner(bundle), EagerReference({"refine": refine()})
    black = {"image": np.full((1, 8, 12, 3), -1, np.float32)}
    one = np.float32([[1]])
    for model in (runner, original):
        # 0.1 a step: 3 steps of the first style by default, 1 step, 1 step of both
        both = {"steps": one, "style": np.float32([[1, 1]])}
        for given, value in (({}, -0.7), ({"steps": one}, -0.9), (both, -0.8)):
            np.testing.assert_allclose(model.run("refine", black | given)["image"], value)
        with pytest.raises(ExportError, match=r"needs a value for each .* given for warm, cold;"):
            translate_image(model, GREY)
        # level 100 is -0.21569; three steps more are 0.08431, level 138.25
        attributes = {"warm": 1, "cold": 0}
        assert _colour(translate_image(model, GREY, attributes=attributes)) == [138] * 3
        # one step more is -0.11569, level 112.75
        attributes["steps"] = 1
        assert _colour(translate_image(model, GREY, attributes=attributes)) == [113] * 3
    inputs = golden.read(bundle.read("golden.npz"), bundle.manifest)["refine"].inputs
    np.testing.assert_array_equal(inputs["steps"][2:], 3.0)  # in cases from examples
    assert len(set(inputs["steps"][:2].ravel())) == 2  # seeded elsewhere
    assert exporters.verify(path, isolated=False).passed


# --- the original, verification, benchmark -----------------------------------------------------


def test_eager_reference_and_bundle_give_equal_results(runner):
    original = EagerReference({fake.name: fake for fake in (edit(), dim(), swap())})
    for given in ({"attributes": EDIT}, {"exemplar": GREY[:7]}, {"attributes": {"strength": 0.3}}):
        ours, theirs = (translate_images(model, GREY, **given) for model in (runner, original))
        assert list(ours) == list(theirs)
        for name, pixels in ours.items():
            np.testing.assert_array_equal(pixels, theirs[name])
    with pytest.raises(ExportError, match="there is no signature 'c'"):
        original.run("c", {})


def test_bundles_with_attributes_and_exemplars_verify_in_every_recipe(many):
    verification = exporters.verify(many, isolated=False)
    assert verification.failures == ()
    assert len(verification.outputs) == 4 * 2 * (1 + 1 + 2)  # artifacts, variants, outputs


def test_golden_attributes_are_in_range_and_examples_follow(many):
    bundle = exporters.open_bundle(many)
    cases = golden.read(bundle.read("golden.npz"), bundle.manifest)
    for name in ("edit", "edit_uint8"):
        attributes = cases[name].inputs["attributes"]
        assert attributes.shape == (2 + 2, 1, 3)
        assert attributes.min() >= 0
        assert attributes.max() <= 1
        np.testing.assert_array_equal(attributes[2:, 0], [[1, 0, 1], [0, 1, 0]])
    assert cases["swap_uint8"].inputs["exemplar"].shape == (2 + 3, 1, 6, 6, 3)
    assert cases["swap_uint8"].inputs["exemplar"].dtype == np.uint8


@pytest.mark.slow
def test_bundles_with_attributes_and_exemplars_are_timed(many):
    timed = {timing.signature for timing in exporters.benchmark(many, threads=(1,), runs=1)}
    assert timed == {"edit", "edit_uint8", "dim", "dim_uint8", "swap", "swap_uint8"}


# --- which signature ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({"exemplar": GREY}, 155),
        ({"attributes": EDIT}, 255),
        ({"attributes": {"strength": 0}}, 128),
    ],
)
def test_the_only_signature_that_fits_needs_no_name(runner, given, level):
    assert _colour(translate_image(runner, GREY, **given))[0] == level


def test_of_several_fitting_signatures_one_must_be_named():
    model = EagerReference({fake.name: fake for fake in (negative(), dim(), swap())})
    message = (
        "`signature` must be given, because the other arguments fit a_to_b or dim: a_to_b takes "
        "an image; dim takes an image and values for strength; swap takes an image and an exemplar"
    )
    with pytest.raises(ExportError, match=message):
        translate_image(model, GREY)
    assert _colour(translate_image(model, GREY, signature="dim")) == [100] * 3


@pytest.mark.parametrize(
    ("fakes", "given", "message"),
    [
        # the only signature, or the only similar one, reports the mistake
        ([edit()], {}, "signature 'edit' needs a value for each attribute.*glasses, hair=black"),
        ([edit(), swap()], {"attributes": {"glasses": 1}}, "none is given for hair=black or hair"),
        ([swap()], {}, "signature 'swap' needs an exemplar"),
        ([edit()], {"attributes": EDIT, "exemplar": GREY}, "takes one image and no exemplar"),
        ([negative()], {"attributes": {"glasses": 1}}, "takes no attributes; leave out glasses"),
        ([edit(), swap()], {}, "fit none of them: edit takes .* swap takes"),
        (
            [edit(), dim()],
            {"attributes": {"glases": 1}},
            "no attribute 'glases'; did you mean glas",
        ),
    ],
)
def test_arguments_that_fit_no_signature_are_refused(fakes, given, message):
    model = EagerReference({fake.name: fake for fake in fakes})
    with pytest.raises(ExportError, match=message):
        translate_image(model, GREY, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hair=blnd": 1}, "no attribute 'hair=blnd'; did you mean hair=blond. known are glasses"),
        ({"hair": 1}, "no attribute 'hair'; did you mean hair=black or hair=blond"),
        ({}, "none is given for glasses, hair=black or hair=blond; give for example glasses=1"),
        ({**EDIT, "glasses": np.nan}, "'glasses' must be a finite float32 number .* got nan"),
        ({**EDIT, "glasses": 1e300}, "'glasses' must be a finite float32 number"),
    ],
)
def test_impossible_attributes_are_refused(runner, given, message):
    with pytest.raises(ExportError, match=message):
        translate_image(runner, GREY, signature="edit", attributes=given)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (
            [Tensor("a"), Tensor("b")],
            [Tensor()],
            "one image must be named 'image' or be the only one",
        ),
        (
            [Tensor()],
            [Tensor("a"), Tensor("b")],
            "one image must be named 'image' or be the only one",
        ),
        ([Tensor(), Tensor("b"), Tensor("c")], [Tensor()], "it takes 3 images, and at most"),
        (
            [Tensor(), Tensor("n", (None, 2))],
            [Tensor()],
            "its input 'n' is neither an image",
        ),
        ([Tensor(), scalars("n", "x"), scalars("m", "x")], [Tensor()], "have the label 'x'"),
    ],
)
def test_signatures_that_do_not_map_images_to_images_are_refused(inputs, outputs, message):
    fake = Signature("f", lambda **_: {}, tuple(inputs), tuple(outputs))
    model = EagerReference({"f": fake})
    with pytest.raises(ExportError, match=f"'f' does not turn images into images: .*{message}"):
        translate_image(model, GREY, signature="f")
    with pytest.raises(ExportError, match=f"no signature turns images into images: .*{message}"):
        translate_image(model, GREY)


def test_an_exemplar_of_another_shape_is_refused(runner):
    with pytest.raises(ExportError, match="3 channels as 'exemplar', got one of 1"):
        translate_image(runner, GREY, exemplar=GREY[..., :1])
    with pytest.raises(ValueError, match="`exemplar` must be uint8 of shape"):
        translate_image(runner, GREY, exemplar=GREY[..., 0])
