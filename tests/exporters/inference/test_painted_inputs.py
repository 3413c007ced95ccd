"""Signatures that take an image with colours painted over it, and where they are."""

import numpy as np
import pytest

import exporters
from exporters import ExportError, translate_image
from exporters.verification.eager_reference import EagerReference
from tests.exporters.fakes import Signature, Tensor, negative, paint, swap

GREY = np.full((20, 30, 3), 100, np.uint8)
MASK = np.zeros((20, 30, 1), np.uint8)
MASK[:, :10] = 255
MASK[:, 10:20] = 51  # a fifth


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    fakes = {fake.name: fake for fake in (paint(), swap())}
    bundle = exporters.export(fakes, tmp_path_factory.mktemp("paint") / "bundle")
    verification = exporters.verify(bundle, isolated=False)
    assert verification.passed, verification.failures
    return exporters.Runner(exporters.open_bundle(bundle))


@pytest.mark.thorough
def test_the_mask_weights_the_target_in_bundle_and_eager_reference(runner):
    target = np.full_like(GREY, 200)
    for model in (runner, EagerReference({"paint": paint()})):
        painted = translate_image(model, GREY, target=target, mask=MASK)
        assert painted.shape == GREY.shape
        # Where the canvas of 12 columns does not mix thirds: 200, 100 + 100 / 5, 100.
        for column, level in ((3, 200), (15, 120), (26, 100)):
            assert abs(int(painted[10, column, 0]) - level) <= 1


def test_target_and_mask_are_placed_on_the_canvas_like_the_image(runner):
    tall = np.full((40, 10, 3), 100, np.uint8)
    mask = np.zeros((40, 10, 1), np.uint8)
    mask[:20] = 255
    painted = translate_image(runner, tall, target=np.full_like(tall, 200), mask=mask)
    assert painted[:12].min() >= 199
    assert painted[28:].max() <= 101


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": GREY}, "`target` and `mask` go together, got `target` without `mask`"),
        ({"mask": MASK}, "`target` and `mask` go together, got `mask` without `target`"),
        ({"target": GREY[1:], "mask": MASK}, r"`target` must be as large as .* \(20, 30\).*19, 30"),
        ({"target": GREY, "mask": MASK[:, 1:]}, "`mask` must be as large as the image"),
        ({"target": GREY, "mask": GREY}, "1 channels as 'mask', got one of 3"),
        ({"signature": "paint"}, "'paint' needs a target, the image with colours painted over"),
        (
            {"signature": "swap", "target": GREY, "mask": MASK, "exemplar": GREY},
            "'swap' takes no painted target; leave target and mask out",
        ),
        ({"signature": "paint", "exemplar": GREY}, "takes one image and no exemplar"),
    ],
)
def test_painted_arguments_that_do_not_go_together_are_refused(runner, given, message):
    with pytest.raises(ExportError, match=message):
        translate_image(runner, GREY, **given)


def test_the_arguments_decide_the_signature(runner):
    assert translate_image(runner, GREY, exemplar=GREY)[0, 0, 0] == 155
    with pytest.raises(ExportError, match="paint takes an image and a painted target with its m"):
        translate_image(runner, GREY)
    with pytest.raises(ExportError, match="takes no painted target"):
        translate_image(EagerReference({"a": negative("a")}), GREY, target=GREY, mask=MASK)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([Tensor(), Tensor("other"), "mask"], "must be the only one, beside an image named 'targ"),
        ([Tensor(), "mask"], "must be the only one, beside an image named 'target'"),
        ([Tensor(), Tensor("target", (None, 4, 4, 3)), "mask"], "must be as large as 'image'"),
    ],
)
def test_signatures_with_a_mask_but_no_target_are_refused(inputs, message):
    mask = Tensor("mask", (None, 8, 12, 1), value_range=(0.0, 1.0))
    tensors = tuple(mask if tensor == "mask" else tensor for tensor in inputs)
    model = EagerReference({"f": Signature("f", lambda **_: {}, tensors)})
    with pytest.raises(ExportError, match=f"'f' does not turn images into images: .*{message}"):
        translate_image(model, GREY, signature="f", target=GREY, mask=MASK)
