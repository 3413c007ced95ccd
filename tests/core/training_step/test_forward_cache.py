"""Microbatches, and the results that players share, against computations by hand."""

import dataclasses

import pytest
import tensorflow as tf

from tests.core.toy import Toy, batch_of, scale
from tf_translate.core.training_step.forward_cache import split


def test_image_i_is_in_the_microbatch_i_modulo_their_number():
    batch = {"a": tf.range(6), "b": 10 * tf.range(6)}
    microbatches = split(batch, 3, "Toy")
    assert [each["a"].numpy().tolist() for each in microbatches] == [[0, 3], [1, 4], [2, 5]]
    assert [each["b"].numpy().tolist() for each in microbatches] == [[0, 30], [10, 40], [20, 50]]


def test_a_later_player_uses_the_results_from_before_the_last_update():
    # g = 3, c = 5, a = 2, SGD 0.1. Two turns of the generator: dL/dg = 2 * c * a = 20
    # -> g = 1, then -1. The fake of its second turn is 1 * 2, from before the second update.
    # The discriminator's loss is c * 2 = 10, dL/dc = 2 -> c = 4.8.
    class GeneratorTwice(Toy):
        players = (dataclasses.replace(Toy.players[1], microbatches=(0, 0)), Toy.players[0])

    translator = GeneratorTwice(scale(3.0, "g"), scale(5.0, "c"))
    translator.compile(run_eagerly=True)
    logs = translator.train_step(batch_of(2.0))
    weights = [
        float(network.get_weights()[0].item())
        for network in (translator.generator, translator.discriminator)
    ]
    assert weights == pytest.approx([-1.0, 4.8])
    assert float(logs["domain/discriminator"]) == pytest.approx(10.0)


def test_two_players_that_share_a_result_of_the_same_name_are_refused():
    class SameName(Toy):
        players = tuple(
            dataclasses.replace(player, forward="generate", depends_on=()) for player in Toy.players
        )

        def generate(self, batch):
            return {"fake": self.generator(batch["a"])}

    translator = SameName(scale(3.0, "g"), scale(5.0, "c"))
    translator.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="two players return 'fake' from their `forward`"):
        translator.train_step(batch_of(2.0))
