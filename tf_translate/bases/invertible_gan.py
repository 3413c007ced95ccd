"""A conditional GAN whose generator an encoder learns to invert: IcGAN, Age-cGAN."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from tf_translate.config.attributes import Attributes
from tf_translate.core import stateless_random
from tf_translate.core.player import Losses, Player, Tensors
from tf_translate.core.signature import Signature, attribute_spec, image_spec, latent_spec
from tf_translate.core.translator import Translator
from tf_translate.editing.mask_blend import blend
from tf_translate.losses.adversarial import vanilla_generator
from tf_translate.losses.conditional_discriminator import conditional_discriminator_losses
from tf_translate.losses.reconstruction import mean_squared_error

GAN_STAGE = "gan"
# Streams of random values (see `stateless_random`): for z, and for noise on images by their kind.
# 1 and 2 are those of Age-cGAN's views.
_Z = 0
_NOISE = {"real": 3, "generated": 4, "mismatched": 5}
DISCRIMINATOR = Player(
    "discriminator",
    ("discriminator",),
    "discriminator_objective",
    ("discriminator", "mismatched", "r1"),
    stage=GAN_STAGE,
    batch_keys=("attributes", "other_attributes"),
)
GENERATOR = Player(
    "generator",
    ("generator",),
    "generator_objective",
    ("adversarial",),
    forward="generate",
    stage=GAN_STAGE,
    batch_keys=("sampled_attributes",),
    ema_if_enabled=True,
)


def encoder_player(name: str, *, term: str, batch_key: str) -> Player:
    """The player of an encoder, which is the only player of its stage.

    Its weights have no moving average: the statistics of its batch norm belong to the last weights,
    and unlike the generator's they are not estimated again.

    Args:
        name: Name of the player, of its network and of its stage; its objective is
            `NAME_objective`.
        term: Loss term of its objective.
        batch_key: Key of the batch that its objective needs.
    """
    return Player(
        name,
        (name,),
        f"{name}_objective",
        (term,),
        stage=name,
        batch_keys=(batch_key,),
        optimizer_setting="encoder_optimizer",
    )


class InvertibleGAN(Translator):
    """Generates images from noise z and attributes; then an encoder learns to recover z.

    Attributes are in [0, 1]. The networks get them scaled to [-1, 1].
    Batch: that of the layout "attributes", see `data/attribute_dataset.py`.

    Moving average: with `training.ema_momentum` the generator continues with the moving average of
    its weights when its stage ends, so that batch norm is recalibrated and the encoder trained for
    these weights.

    Recalibration of batch norm: in the first `bn_recalibration_steps` steps of the encoder's
    stage the generator uses the statistics of a batch of generated images, at least
    `bn_recalibration_batch_size` of them. This re-estimates its moving statistics for its final
    weights; after that they are frozen. The encoder's optimizer counts these steps, so a resumed
    run recalibrates for as many steps.

    The method's settings must have `bn_recalibration_steps`, `bn_recalibration_batch_size`,
    `mask_blend` and `discriminator_noise`.

    Args:
        generator: Network from `[latent, attributes]` to images in [-1, 1].
        discriminator: Network from `[image, attributes]` to logits of any shape.
        encoders: Further networks by attribute name, including the one that `inverts` names.
        attributes: Values by attribute, in the order of the columns.
        **options: `settings`, `loss_weights` and `name`, as for any translator.

    Raises:
        ValueError: If the networks do not fit the attributes or each other.
    """

    inverts: ClassVar[str]  # the encoder of z: name of its network, player and stage
    fake_weight: ClassVar[float]  # weight of generated images in the discriminator's loss
    has_step_variant = True

    generator: keras.Model
    discriminator: keras.Model

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        encoders: Mapping[str, keras.Model],
        *,
        attributes: Mapping[str, Sequence[str]],
        **options: Any,
    ):
        encoding = Attributes(attributes)
        networks = {"generator": generator, "discriminator": discriminator, **encoders}
        self._check(networks, len(encoding.columns))
        super().__init__(networks=networks, **options)
        self.attributes = {one.name: list(one.values) for one in encoding.definitions}
        self.columns = encoding.columns
        self.latent_size = self.generator.input_shape[0][-1]

    def next_step_is_variant(self) -> bool:
        """Whether the next step recalibrates the generator's batch norm."""
        if self.stage != self.inverts:
            return False
        encoder_steps = int(self.player_optimizers[self.inverts].iterations.numpy())
        return encoder_steps < self.settings.bn_recalibration_steps

    def variant_steps(self, steps: int) -> int:
        """The first steps of the encoder of the latent."""
        return min(steps, self.settings.bn_recalibration_steps) * (self.stage == self.inverts)

    def generate(self, batch: Tensors) -> Tensors:
        """G(z, y'), generated once for each microbatch."""
        return {"generated": self.generate_from(batch, self.sample_z(batch), training=True)}

    def sample_z(self, batch: Tensors) -> tf.Tensor:
        """z ~ N(0, I), different in each step."""
        step = self.steps_taken.value
        return stateless_random.normal_per_image(
            batch["sampled_attributes"], self.latent_size, step, _Z
        )

    def generate_from(self, batch: Tensors, z: tf.Tensor, *, training: bool) -> tf.Tensor:
        """G of z and the sampled attributes."""
        return self.generator([z, to_signed(batch["sampled_attributes"])], training=training)

    def logits(self, images: tf.Tensor, attributes: tf.Tensor, kind: str) -> tf.Tensor:
        """The discriminator's logits for images beside attributes, with instance noise.

        `kind`, "real", "generated" or "mismatched", selects the noise of a step. Its standard
        deviation is the setting `discriminator_noise`. The papers have no noise.
        """
        noisy = stateless_random.with_instance_noise(
            images, self.settings.discriminator_noise, self.steps_taken.value, _NOISE[kind]
        )
        return self.discriminator([noisy, to_signed(attributes)], training=True)

    def discriminator_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Separate real images with their attributes from generated and mismatched pairs."""
        return conditional_discriminator_losses(
            self.logits, batch, shared["generated"], uses=self.uses, fake_weight=self.fake_weight
        )

    def generator_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """Generate images that the discriminator classifies as real, given the attributes."""
        logits = self.logits(shared["generated"], batch["sampled_attributes"], "generated")
        return {"adversarial": vanilla_generator(logits)}

    def inversion_loss(self, batch: Tensors) -> tf.Tensor:
        """||E(G(z, y')) - z||^2, averaged over images and latent values."""
        if self.step_variants.in_variant:
            images, z = self._recalibrate(batch)
        else:
            z = self.sample_z(batch)
            images = self.generate_from(batch, z, training=False)
        encoder = getattr(self, self.inverts)
        return mean_squared_error(encoder(images, training=True), z)

    def _recalibrate(self, batch):
        """G in training mode, on several z for each attribute vector; one image and z of each.

        Batch norm sees `bn_recalibration_batch_size` images or more, the encoder as many as ever.
        """
        attributes = batch["sampled_attributes"]
        count = tf.shape(attributes)[0]
        total = count * tf.distribute.get_replica_context().num_replicas_in_sync
        repeats = -(-self.settings.bn_recalibration_batch_size // total)
        z = stateless_random.normal_per_image(
            attributes, repeats * self.latent_size, self.steps_taken.value, _Z
        )
        z = tf.reshape(z, [count, repeats, self.latent_size])
        repeated = tf.tile(attributes[:, None], [1, repeats, 1])
        flat = {"sampled_attributes": tf.reshape(repeated, [-1, len(self.columns)])}
        images = self.generate_from(flat, tf.reshape(z, [-1, self.latent_size]), training=True)
        images = tf.reshape(images, [count, repeats, *images.shape[1:]])
        return images[:, 0], z[:, 0]

    def generated_images(self, attributes: tf.Tensor) -> tf.Tensor | None:
        """In the stages before the encoder is trained, G of a fixed z; from then on None."""
        stages = [player.stage for player in self.players]
        if stages.index(self.stage) >= stages.index(self.inverts):
            return None
        z = tf.random.stateless_normal([len(attributes), self.latent_size], [0, 0])
        return self.decode(z, attributes)["image"]

    def decode(self, latent: tf.Tensor, attributes: tf.Tensor) -> dict[str, tf.Tensor]:
        """G in inference mode: `{"image"}` of latents and attributes in [0, 1]."""
        inputs = [tf.cast(latent, tf.float32), to_signed(attributes)]
        return {"image": self.generator(inputs, training=False)}

    def edit(
        self, image: tf.Tensor, latent: tf.Tensor, own_attributes: tf.Tensor, attributes: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """G of a latent and the target attributes: `{"image"}`.

        With `mask_blend` it is compared with G of the attributes of the image, and only the
        difference is blended into the image, as in Brock et al. 2017, arXiv 1609.07093. See
        `editing/mask_blend.py` for the mask.
        """
        edited = self.decode(latent, attributes)
        if not self.settings.mask_blend:
            return edited
        reconstructed = self.decode(latent, own_attributes)["image"]
        return {"image": blend(image, reconstructed, edited["image"])}

    def translate(self, image: tf.Tensor, attributes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generates images with other attributes from their encoded latents."""
        latent = getattr(self, self.inverts)(image, training=False)
        return self.decode(latent, attributes)

    def edit_behavior(self, behavior: Mapping[str, str]) -> dict[str, str]:
        """The inference behavior of edits: whether they are blended into the input."""
        return {**behavior, "mask_blend": "on" if self.settings.mask_blend else "off"}

    def translate_and_decode(self, behavior: Mapping[str, str]) -> tuple[Signature, Signature]:
        """The signatures `translate` and `decode`."""
        image = image_spec(self.generator.output_shape[1:])
        latent, attributes = latent_spec(self.latent_size), attribute_spec(self.columns)
        return (
            Signature("translate", self.translate, (image, attributes), (image,), behavior),
            Signature("decode", self.decode, (latent, attributes), (image,), behavior),
        )

    def _check(self, networks: Mapping[str, keras.Model], columns: int) -> None:
        of_generator = networks["generator"].input_shape[1][-1]
        of_discriminator = networks["discriminator"].input_shape[1][-1]
        if not of_generator == of_discriminator == columns:
            raise ValueError(
                f"`attributes` have {columns} columns, but the generator takes {of_generator}, "
                f"the discriminator {of_discriminator}"
            )
        size = networks["generator"].input_shape[0][-1]
        output = networks[self.inverts].output_shape[-1]
        if size != output:
            raise ValueError(
                f"`{self.inverts}` must output the {size} values of z that the generator takes, "
                f"it outputs {output}"
            )


def to_signed(attributes: tf.Tensor) -> tf.Tensor:
    """Scales attributes from [0, 1] to [-1, 1], the range of the networks' inputs."""
    return 2.0 * tf.cast(attributes, tf.float32) - 1.0
