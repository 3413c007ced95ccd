import numpy as np
import pytest

from exporters.bundle.manifest import TensorRecord
from exporters.convert.recipes import Tolerance
from exporters.verification.value_range import range_fault

IMAGE = TensorRecord(name="image", shape=(1, 2, 2, 3), dtype="float32", value_range=(0, 10))


def _values(largest, smallest=0.0):
    values = np.full((1, 1, 2, 2, 3), 5.0, np.float32)
    values[0, 0, 0, 0, :2] = largest, smallest
    return values


@pytest.mark.parametrize(
    ("largest", "smallest", "allowed"),
    [
        (10.0, 0.0, True),
        (10.019, -0.019, True),  # half a level is 10 / 255 / 2 = 0.0196
        (10.021, 0.0, False),
        (10.0, -0.021, False),
        (np.nan, 0.0, True),  # that values are finite is checked elsewhere
    ],
)
def test_outputs_may_leave_their_range_by_half_a_level(largest, smallest, allowed):
    assert (range_fault(IMAGE, _values(largest, smallest)) is None) == allowed


def test_the_fault_names_where_values_are_and_where_they_should_be():
    assert range_fault(IMAGE, _values(255.0, -1.5)) == (
        "from -1.5 to 255, outside its value range [0, 10] by more than half a level of 255"
    )


@pytest.mark.parametrize(
    ("tolerance", "largest", "allowed"),
    [
        # 0.1 of a width of 2 is 0.5 of a width of 10; half a level is 0.0196
        (Tolerance(max_abs=0.1), 10.51, True),
        (Tolerance(max_abs=0.1), 10.53, False),
        # 20 dB is a root mean square of 0.1 of the width; one of 12 values is off by x:
        # x / sqrt(12) = 1 + 0.0196 gives 3.53
        (Tolerance(psnr=20.0), 13.5, True),
        (Tolerance(psnr=20.0), 13.6, False),
    ],
)
def test_a_converted_file_may_leave_it_by_its_tolerance(tolerance, largest, allowed):
    assert (range_fault(IMAGE, _values(largest), tolerance) is None) == allowed


def test_tensors_without_limits_are_not_held_to_a_range():
    for change in ({"value_range": None}, {"range_is_typical": True}):
        assert range_fault(IMAGE.model_copy(update=change), _values(1000.0)) is None
