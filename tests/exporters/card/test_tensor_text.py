import pytest

from exporters.bundle.signatures import make_records
from exporters.card.tensor_text import image_scaling, limits
from tests.exporters.fakes import Signature, Tensor, scalars


@pytest.mark.parametrize(
    ("given", "result", "text"),
    [
        ((-1.0, 1.0), (-1.0, 1.0), "images in float32 in [-1, 1] (level / 127.5 - 1)"),
        ((0.0, 1.0), (0.0, 1.0), "images in float32 in [0, 1] (level / 255)"),
        ((0.0, 255.0), (0.0, 255.0), "images in float32 in [0, 255] (level)"),
        ((-3.0, 2.0), (-3.0, 2.0), "images in float32 in [-3, 2] (level / 51 - 3)"),
        (
            (0.0, 255.0), (0.0, 1.0),
            "images in float32, inputs in [0, 255] (level), outputs in [0, 1] (level / 255)",
        ),
        (None, (0.0, 1.0), "images in float32 in [0, 1] (level / 255)"),
    ],
)  # fmt: skip
def test_the_card_says_how_levels_become_floats_of_the_declared_ranges(given, result, text):
    tensors = (Tensor(value_range=given),), (Tensor(value_range=result),)
    record = make_records({"f": Signature("f", lambda **_: {}, *tensors)})["f"]
    assert image_scaling(record) == text


def test_a_typical_range_is_said_to_allow_other_values():
    record = make_records({"f": Signature("f", lambda **_: {}, (Tensor(), scalars("s", "s")))})["f"]
    strength = record.inputs[1]
    assert limits(strength) == "0..1"
    typical = strength.model_copy(update={"range_is_typical": True})
    assert limits(typical) == "0..1 typically, others are allowed"
