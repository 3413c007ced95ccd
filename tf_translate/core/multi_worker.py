"""Training on several workers, where Keras 3 needs workarounds (keras issue 20585)."""

from typing import Any

import keras
import tensorflow as tf


class MultiWorkerModel(keras.Model):
    """A model whose `fit` runs under MultiWorkerMirroredStrategy."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: the model is built, and Keras would reduce a batch over workers."""

    def logs_of(self, metrics: Any) -> dict:
        """The current values of metrics by name, for `train_step` to return.

        Where several workers train, Keras averages each value over its first axis.
        """
        strategy = self.distribute_strategy
        multi_worker = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        shape = (1,) if multi_worker else ()
        return {metric.name: tf.reshape(metric.result(), shape) for metric in metrics}
