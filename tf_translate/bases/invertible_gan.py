"""What methods share that learn to draw from noise and attributes, and then to go back."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import keras
import tensorflow as tf

from tf_translate.config.attributes import Attributes
from tf_translate.core import stateless_random
from tf_translate.core.player import Player
from tf_translate.core.signature import Signature, attribute_spec, image_spec, latent_spec
from tf_translate.core.translator import Translator
from tf_translate.editing.mask_blend import blend

GAN_STAGE = "gan"
_NOISE = {"real": 3, "drawn": 4, "mismatched": 5}  # streams; 0 is z, 1 and 2 Age-cGAN's views
DISCRIMINATOR = Player(
    "discriminator",
    ("discriminator",),
    "discriminator_objective",
    ("discriminator", "mismatched", "r1"),
    stage=GAN_STAGE,
    batch_keys=("attributes", "other_attributes"),
)
GENERATOR = Player(
    "generator",  # no moving average: encoders and the statistics go with the last weights
    ("generator",),
    "generator_objective",
    ("adversarial",),
    forward="draw",
    stage=GAN_STAGE,
    batch_keys=("drawn_attributes",),
)


def reader(name: str, *, term: str, batch_keys: str) -> Player:
    """The player of an encoder, alone in a stage of its own.

    Args:
        name: Of the player, its network, its stage and, before `_objective`, its objective.
        term: Of its objective.
        batch_keys: Key of the batch.
    """
    return Player(
        name,
        (name,),
        f"{name}_objective",
        (term,),
        stage=name,
        batch_keys=(batch_keys,),
        averaged=True,
        optimizer="encoder_optimizer",
    )


class InvertibleTranslator(Translator):
    """Draws from noise z and attributes; later an encoder learns which z a drawing is of.

    Networks: `generator` from `[latent, attributes]` to images in [-1, 1], `discriminator` from
    `[image, attributes]` to logits, and the one that `inverts` names, from images to latents.
    Networks are told attributes in [-1, 1]; everyone else has them in [0, 1].
    Batch: as the layout "attributes" has it, see `data/attribute_dataset.py`.

    Refresh: for its first `bn_recalibration_steps` steps in `fit` the encoder's stage draws with the statistics
    of the batch, which re-estimates the moving ones of the generator's batch norm for the
    weights it ended with; after that they stay. These steps are counted by the encoder's
    optimizer, so a run that is resumed refreshes no more and no less.

    Args:
        networks: Built networks by attribute name.
        attributes: Values by attribute, in the order of the columns.
        bn_recalibration_steps: Batches that the generator's statistics are re-estimated of.
        mask_blend: Whether `redrawn` puts the changes of an edit alone into the input.
        discriminator_noise: Deviation of the noise on every image the discriminator sees, see `judged`.
        players, loss_weights, name: As for any translator.

    Raises:
        ValueError: If the networks do not go with the attributes or with each other.
    """

    inverts: ClassVar[str]  # the encoder of z: its network, player and stage

    generator: keras.Model
    discriminator: keras.Model

    def __init__(
        self,
        *,
        networks: Mapping[str, keras.Model],
        attributes: Mapping[str, Sequence[str]],
        bn_recalibration_steps: int,
        mask_blend: bool = False,
        discriminator_noise: float = 0.0,
        players: Sequence[Player] | None = None,
        loss_weights: Mapping[str, float] | None = None,
        name: str | None = None,
    ):
        told = Attributes(attributes)
        self._check(networks, len(told.columns))
        super().__init__(networks=networks, players=players, loss_weights=loss_weights, name=name)
        self.attributes = {one.name: list(one.values) for one in told.each}
        self.columns = told.columns
        self.bn_recalibration_steps, self.mask_blend, self.discriminator_noise = (
            bn_recalibration_steps,
            mask_blend,
            discriminator_noise,
        )
        self._latent = self.generator.input_shape[0][-1]

    def is_special(self) -> bool:
        """Whether the coming step re-estimates the statistics of the generator."""
        if self.stage != self.inverts:
            return False
        return (
            int(self.player_optimizers[self.inverts].iterations.numpy())
            < self.bn_recalibration_steps
        )

    def draw(self, batch):
        """G(z, y'), made once a step."""
        return {"drawn": self.drawn(batch, self.noise(batch), training=True)}

    def noise(self, batch):
        """z ~ N(0, I), others at each step."""
        step = self.steps_taken.value
        return stateless_random.normal_per_image(batch["drawn_attributes"], self._latent, step, 0)

    def drawn(self, batch, noise, *, training: bool):
        """G of noise and the attributes that were drawn."""
        return self.generator([noise, signed(batch["drawn_attributes"])], training=training)

    def judged(self, images, attributes, kind: str):
        """Logits of the discriminator for images beside attributes, under noise of `discriminator_noise`.

        The kind, "real", "drawn" or "mismatched", tells noises of one step apart.

        Drawings (of a pen) have areas of one colour, which no network gives back exactly: without
        noise the discriminator tells images by that alone and has nothing to teach. Off in the papers.

        Source: instance noise, Sonderby et al. 2017, https://arxiv.org/abs/1610.04490, section 4.
        """
        if self.discriminator_noise:
            noise = stateless_random.noise_like(images, self.steps_taken.value, _NOISE[kind])
            images = tf.cast(images, tf.float32) + self.discriminator_noise * noise
        return self.discriminator([images, signed(attributes)], training=True)

    def to_invert(self, batch):
        """Drawings and their z, in inference mode but for the steps of the bn_recalibration_steps."""
        noise = self.noise(batch)
        return self.drawn(batch, noise, training=self.special.now), noise

    def imagined(self, attributes):
        """Before the stage in which the encoder learns: G of some z, the same each time."""
        if self.stages.index(self.stage) >= self.stages.index(self.inverts):
            return None
        noise = tf.random.stateless_normal([len(attributes), self._latent], [0, 0])
        return self.decode(noise, attributes)["image"]

    def call(self, inputs, training=False):
        """Translates `{"image", "attributes"}`: images in [-1, 1] to images in [-1, 1]."""
        return self.translate(inputs["image"], inputs["attributes"])["image"]

    def decode(self, latent, attributes):
        """G in inference mode: `{"image"}` of latents and attributes in [0, 1]."""
        told = [tf.cast(latent, tf.float32), signed(attributes)]
        return {"image": self.generator(told, training=False)}

    def redrawn(self, image, latent, own, wanted):
        """G of a latent and the attributes wanted: `{"image"}`.

        With the mask blend it is compared with G of the attributes an image has, `own`, and the
        difference alone reaches the image, as in Brock et al. 2017, arXiv 1609.07093.
        """
        edited = self.decode(latent, wanted)
        if not self.mask_blend:
            return edited
        return {"image": blend(image, self.decode(latent, own)["image"], edited["image"])}

    def blending(self, inference_behavior: Mapping[str, str]) -> dict[str, str]:
        """A inference_behavior that says whether edits are blended into the input."""
        return {**inference_behavior, "mask_blend": "on" if self.mask_blend else "off"}

    def translate(self, image, attributes):
        """Draws images anew with attributes, from the latents the encoder reads."""
        latent = getattr(self, self.inverts)(image, training=False)
        return self.decode(latent, attributes)

    def translate_and_decode(
        self, inference_behavior: Mapping[str, str]
    ) -> tuple[Signature, Signature]:
        """The signatures `translate` and `decode`."""
        image = image_spec(self.generator.output_shape[1:])
        latent, attributes = latent_spec(self._latent), attribute_spec(self.columns)
        return (
            Signature(
                "translate", self.translate, (image, attributes), (image,), inference_behavior
            ),
            Signature("decode", self.decode, (latent, attributes), (image,), inference_behavior),
        )

    def _check(self, networks: Mapping[str, keras.Model], columns: int) -> None:
        generator, discriminator = networks["generator"], networks["discriminator"]
        told, judged = generator.input_shape[1][-1], discriminator.input_shape[1][-1]
        if not told == judged == columns:
            raise ValueError(
                f"`attributes` have {columns} columns, but the generator takes {told}, the discriminator "
                f"{judged}"
            )
        latent, found = generator.input_shape[0][-1], networks[self.inverts].output_shape[-1]
        if latent != found:
            raise ValueError(
                f"`{self.inverts}` must read the {latent} numbers the generator takes, "
                f"it reads {found}"
            )


def signed(attributes):
    """Attributes in [0, 1] as the networks are told them: in [-1, 1]."""
    return 2.0 * tf.cast(attributes, tf.float32) - 1.0
