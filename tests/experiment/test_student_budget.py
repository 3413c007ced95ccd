"""The largest student within a time, by exported and timed files."""

import pytest

from tf_translate.errors import ConfigError
from tf_translate.experiment.student_budget import TimedStudent, largest_within, time_students


def _timed(name, milliseconds, parameters):
    return TimedStudent(name, milliseconds, 0, parameters, 0)


def test_the_largest_within_the_budget_is_chosen_also_if_a_smaller_one_is_slower():
    timed = [_timed("a", 5.0, 10), _timed("b", 12.0, 20), _timed("c", 9.0, 30)]
    assert largest_within(timed, 10.0) == timed[2]
    assert largest_within(timed, 6.0) == timed[0]
    assert largest_within(timed, 1.0) is None


@pytest.mark.thorough
def test_students_are_exported_and_timed_until_one_takes_too_long():
    ladder = [(2, 1), (4, 1), (8, 1)]
    reported = []
    timed = time_students((32, 32), 1e4, ladder=ladder[:2], runs=1, report=reported.append)
    assert timed == reported
    assert [each.student for each in timed] == [
        "mobile:filters=2,blocks=1",
        "mobile:filters=4,blocks=1",
    ]
    assert 0 < timed[0].parameters < timed[1].parameters
    assert timed[0].multiply_adds < timed[1].multiply_adds
    assert len(time_students((32, 32), 1e-6, ladder=ladder, runs=1)) == 1


def test_a_budget_or_a_size_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="--budget-ms must be above 0, got 0"):
        time_students((32, 32), 0.0)
    with pytest.raises(ConfigError, match="--size 30 30 does not fit a student"):
        time_students((30, 30), 10.0)
