"""What Keras 3 lacks for training by several workers (its issue 20585)."""

import keras
import tensorflow as tf


class ManyWorkers(keras.Model):
    """A model whose `fit` runs under MultiWorkerMirroredStrategy."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: Keras would reduce a batch over workers, and the model is built."""

    def logged(self, metrics) -> dict:
        """The present values of metrics by name, for `train_step` to give back.

        Keras takes the mean of each over its first axis where several workers train.
        """
        strategy = self.distribute_strategy
        many = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        shape = (1,) if many else ()
        return {metric.name: tf.reshape(metric.result(), shape) for metric in metrics}
