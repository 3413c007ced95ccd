"""Loss terms, their weights and schedules, and checks of players."""

import pytest
import tensorflow as tf

from tf_translate.core.loss_terms import content, with_loss_weights
from tf_translate.core.player import Player
from tf_translate.core.schedules import LinearDecay, LinearRamp, PiecewiseConstant, Switch


def test_the_log_name_of_a_loss_term_starts_with_its_role():
    assert content("cycle", source="eq. 2").log_name == "content/cycle"


def test_given_weights_replace_defaults_and_leave_other_terms_unchanged():
    terms = (content("cycle", weight=10.0, source=""), content("identity", weight=5.0, source=""))
    changed = with_loss_weights(terms, {"identity": 0.0})
    assert [term.weight for term in changed] == [10.0, 0.0]
    assert [term.active for term in changed] == [True, False]
    assert [term.weight for term in terms] == [10.0, 5.0]


CYCLE = (
    content("cycle_a", weight=10.0, source="", group="cycle"),
    content("cycle_b", weight=10.0, source="", group="cycle"),
    content("identity_a", weight=5.0, source="", group="identity", follows="cycle_a"),
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cycle": 4.0, "identity": 1.0}, [4.0, 4.0, 1.0]),
        ({"cycle": 4.0, "cycle_b": 0.0, "identity": 1.0}, [4.0, 0.0, 1.0]),
        ({"cycle_a": 20.0}, [20.0, 10.0, 10.0]),  # identity_a stays half of cycle_a
        ({"cycle": 20.0, "identity_a": 5.0}, [20.0, 20.0, 5.0]),
        ({"cycle_b": 20.0}, [10.0, 20.0, 5.0]),
    ],
)
def test_a_group_gives_its_terms_a_weight_and_a_term_follows_another(given, expected):
    assert [term.weight for term in with_loss_weights(CYCLE, given)] == expected


def test_an_unknown_name_is_refused_with_the_terms_and_groups_that_exist():
    with pytest.raises(ValueError, match=r"'identity_a', 'cycle', 'identity'\]; did you mean 'cy"):
        with_loss_weights(CYCLE, {"cycl": 1.0})


def test_a_group_whose_terms_all_have_weights_of_their_own_is_refused():
    with pytest.raises(ValueError, match="'cycle' has no effect, because cycle_a and cycle_b have"):
        with_loss_weights(CYCLE, {"cycle": 5.0, "cycle_a": 1.0, "cycle_b": 2.0})


def test_a_term_cannot_follow_a_schedule():
    with pytest.raises(ValueError, match="'identity_a' must be given, because that of 'cycle_a'"):
        with_loss_weights(CYCLE, {"cycle": LinearRamp(1.0, 10)})


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 2e-4), (100, 2e-4), (150, 1e-4), (200, 0.0), (300, 0.0)]
)
def test_the_learning_rate_of_cyclegan_is_halved_at_epoch_150_and_0_at_200(epoch, rate):
    assert float(LinearDecay(2e-4, 100, 100)(epoch)) == pytest.approx(rate, abs=1e-10)


def test_the_learning_rate_of_ian_falls_at_the_start_of_epochs_25_50_and_75():
    rate = PiecewiseConstant([25, 50, 75], [2e-4, 1e-4, 5e-5, 1e-5])
    epochs = (0, 24, 25, 49, 50, 74, 75, 79)
    expected = [2e-4, 2e-4, 1e-4, 1e-4, 5e-5, 5e-5, 1e-5, 1e-5]
    found = [float(rate(tf.constant(epoch, tf.int64))) for epoch in epochs]
    assert found == pytest.approx(expected)
    assert PiecewiseConstant.from_config(rate.get_config()).get_config() == rate.get_config()
    for boundaries in ([0], [3, 3], [3, 2]):
        with pytest.raises(ValueError, match="`boundaries` must ascend from 1 or more"):
            PiecewiseConstant(boundaries, [1.0] * (1 + len(boundaries)))


def test_a_linear_ramp_reaches_half_of_its_end_in_half_of_its_steps():
    assert float(LinearRamp(1e-4, 500_000)(250_000)) == pytest.approx(5e-5)
    assert float(LinearRamp(1e-4, 500_000)(900_000)) == pytest.approx(1e-4)
    delayed = LinearRamp(2.0, 10, start=5)
    assert [float(delayed(step)) for step in (0, 5, 10, 15, 90)] == [0, 0, 1, 2, 2]
    assert float(LinearRamp.from_config(delayed.get_config())(10)) == 1


def test_a_linear_decay_is_rebuilt_from_its_config():
    decay = LinearDecay.from_config(LinearDecay(0.1, 2, 3).get_config())
    assert (decay.initial, decay.constant_steps, decay.decay_steps) == (0.1, 2, 3)


def test_invalid_schedules_and_players_are_refused():
    with pytest.raises(ValueError, match="`decay_steps` at least 1"):
        LinearDecay(0.1, 2, 0)
    with pytest.raises(ValueError, match="`steps` must be at least 1, got 0"):
        LinearRamp(1.0, 0)
    with pytest.raises(
        ValueError, match="`microbatches` of player 'discriminator' must be at least one index"
    ):
        Player("discriminator", ("discriminator",), "objective", (), microbatches=())
    with pytest.raises(ValueError, match="needs at least one network"):
        Player("discriminator", (), "objective", ())


def test_a_switch_changes_at_its_step():
    switch = Switch(0.01, 0.5, 10)
    values = [float(switch(tf.constant(step, tf.int64))) for step in (0, 9, 10, 99)]
    assert values == pytest.approx([0.01, 0.01, 0.5, 0.5])
    assert Switch.from_config(switch.get_config()).get_config() == switch.get_config()
