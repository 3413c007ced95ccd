"""Saving a translator repeatedly."""

import keras
import numpy as np

from tests.core.toy import Toy, batch_of, scale


def test_saving_again_creates_no_optimizer(tmp_path, monkeypatch):
    toy = Toy(scale(2.0, "generator"), scale(3.0, "discriminator"))
    toy.compile()
    toy.train_step(batch_of(1.0))
    toy.save(tmp_path / "first.keras")
    created = []
    init = keras.optimizers.Optimizer.__init__

    def recording_init(self, *args, **kwargs):
        created.append(type(self).__name__)
        init(self, *args, **kwargs)

    monkeypatch.setattr(keras.optimizers.Optimizer, "__init__", recording_init)
    toy.save(tmp_path / "second.keras")
    assert created == []
    copy = keras.models.load_model(tmp_path / "second.keras")
    assert created == ["SGD", "SGD"], "one for each of the two players"
    for original, restored in zip(toy.variables, copy.variables, strict=True):
        np.testing.assert_array_equal(original.numpy(), restored.numpy())
