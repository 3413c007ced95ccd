"""Small translators whose training steps can be computed by hand."""

from types import MappingProxyType

import keras
import tensorflow as tf

from tf_translate.core.loss_terms import content, domain
from tf_translate.core.player import Player
from tf_translate.core.signature import image_signature
from tf_translate.core.translator import Translator


def scale(initial: float, name: str) -> keras.Model:
    """A network with one weight: images times `initial`."""
    inputs = keras.Input((1, 1, 1))
    layer = keras.layers.Conv2D(
        1, 1, use_bias=False, kernel_initializer=keras.initializers.Constant(initial)
    )
    return keras.Model(inputs, layer(inputs), name=name)


def batch_of(*values: float) -> dict:
    """Images of one pixel, the same in both domains."""
    images = tf.reshape(tf.constant(values, tf.float32), (-1, 1, 1, 1))
    return {"a": images, "b": images}


@keras.saving.register_keras_serializable("tests")
class Toy(Translator):
    """Discriminator c first, then generator g; both use one forward pass g * a of the generator."""

    layout = "paired"
    deploys = ("a_to_b",)
    terms = (
        content("l1", weight=2.0, source="toy"),
        domain("discriminator", weight=1.0, source="toy"),
    )
    players = (
        Player("discriminator", ("discriminator",), "discriminator_objective", ("discriminator",)),
        Player("generator", ("generator",), "generator_objective", ("l1",), forward="translate"),
    )

    chance_levels = MappingProxyType({"discriminator": 1.0})

    def __init__(self, generator, discriminator, **options):
        networks = {"generator": generator, "discriminator": discriminator}
        super().__init__(networks=networks, **options)

    def translate(self, batch):
        return {"fake": self.generator(batch["a"], training=True)}

    def discriminator_objective(self, batch, shared):
        return {"discriminator": tf.reduce_mean(self.discriminator(shared["fake"]))}

    def generator_objective(self, batch, shared):
        return {"l1": tf.reduce_mean(self.discriminator(shared["fake"]))} if self.uses("l1") else {}

    def image_shapes(self):
        return {}  # nothing is checked: the values by hand pass [-1, 1]

    def default_optimizer(self, player):
        return keras.optimizers.SGD(0.1)

    def signatures(self):
        return {"a_to_b": image_signature("a_to_b", self.generator, {})}


@keras.saving.register_keras_serializable("tests")
class Staged(Toy):
    """The same networks in two stages: first the discriminator, then the generator."""

    players = (
        Player(
            "discriminator",
            ("discriminator",),
            "discriminator_objective",
            ("discriminator",),
            stage="first",
        ),
        Player(
            "generator",
            ("generator",),
            "generator_objective",
            ("l1",),
            forward="translate",
            stage="second",
        ),
    )

    def discriminator_objective(self, batch, shared):
        return {"discriminator": tf.reduce_mean(self.discriminator(batch["a"]))}
