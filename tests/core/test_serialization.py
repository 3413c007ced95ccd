"""Saving again and again."""

import keras
import numpy as np

from tests.core.toy import Toy, batch_of, scale


def test_saving_again_makes_no_optimizer(tmp_path, monkeypatch):
    toy = Toy(scale(2.0, "generator"), scale(3.0, "discriminator"))
    toy.compile()
    toy.train_step(batch_of(1.0))
    toy.save(tmp_path / "first.keras")
    made = []
    start = keras.optimizers.Optimizer.__init__

    def noted(self, *args, **kwargs):
        made.append(type(self).__name__)
        start(self, *args, **kwargs)

    monkeypatch.setattr(keras.optimizers.Optimizer, "__init__", noted)
    toy.save(tmp_path / "second.keras")
    assert made == []
    back = keras.models.load_model(tmp_path / "second.keras")
    assert made == ["SGD", "SGD"], "those of the two players, no more"
    for own, theirs in zip(toy.variables, back.variables, strict=True):
        np.testing.assert_array_equal(own.numpy(), theirs.numpy())
