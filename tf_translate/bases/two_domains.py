"""Two generators and two discriminators between two unpaired domains."""

from typing import Any, ClassVar

import keras

from tf_translate.core.player import Tensors, Translation
from tf_translate.core.signature import Signature, image_signatures
from tf_translate.core.translator import Translator
from tf_translate.losses.reconstruction import mean_absolute_error
from tf_translate.networks.compatibility import check_takes_images
from tf_translate.networks.inference_behavior import describe_inference


class TwoDomainTranslator(Translator):
    """Translates both ways between the domains `a` and `b`: CycleGAN, DualGAN, DiscoGAN.

    A method adds loss terms, players and objectives, and overrides `build_generator` and
    `build_discriminator`. This class has `translate_batch` (the fakes F(y) and G(x)),
    `reconstruction_errors` (F(G(x)) against x and G(F(y)) against y) and the signatures.

    Args:
        generator_ab, generator_ba: Networks from one domain to the other.
        discriminator_a, discriminator_b: Networks from images of a domain to scores, whose shape
            depends on the method.
        **options: `settings`, `loss_weights` and `name`, as for any translator.

    Raises:
        ValueError: If a network does not take the images of the generator before it.
    """

    deploys: ClassVar[tuple[str, ...]] = ("a_to_b", "b_to_a")
    translations: ClassVar[tuple[Translation, ...]] = (
        Translation("a_to_b", "a", "fake_b", "generator_ab"),
        Translation("b_to_a", "b", "fake_a", "generator_ba"),
    )

    def __init__(
        self,
        generator_ab: keras.Model,
        generator_ba: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        **options: Any,
    ):
        networks = {
            "generator_ab": generator_ab,
            "generator_ba": generator_ba,
            "discriminator_a": discriminator_a,
            "discriminator_b": discriminator_b,
        }
        for taker, giver in (
            ("generator_ba", "generator_ab"),
            ("generator_ab", "generator_ba"),
            ("discriminator_b", "generator_ab"),
            ("discriminator_a", "generator_ba"),
        ):
            check_takes_images(networks, taker, giver)
        super().__init__(networks=networks, **options)

    @classmethod
    def build_networks(
        cls, settings: Any, shape_a: tuple[int, int, int], shape_b: tuple[int, int, int]
    ) -> dict[str, keras.Model]:
        """Builds all four networks for images of `(height, width, channels)`."""
        return {
            "generator_ab": cls.build_generator(settings, shape_a, shape_b[2], "generator_ab"),
            "generator_ba": cls.build_generator(settings, shape_b, shape_a[2], "generator_ba"),
            "discriminator_a": cls.build_discriminator(settings, shape_a, "discriminator_a"),
            "discriminator_b": cls.build_discriminator(settings, shape_b, "discriminator_b"),
        }

    @classmethod
    def build_generator(
        cls, settings: Any, shape: tuple[int, int, int], out_channels: int, name: str
    ) -> keras.Model:
        """Builds a generator from images of a shape to images of `out_channels` channels."""
        raise NotImplementedError

    @classmethod
    def build_discriminator(
        cls, settings: Any, shape: tuple[int, int, int], name: str
    ) -> keras.Model:
        """Builds a discriminator of images of a shape."""
        raise NotImplementedError

    def translate_batch(self, batch: Tensors) -> Tensors:
        """Translations in both directions, generated once for each microbatch."""
        return {
            "fake_b": self.generator_ab(batch["a"], training=True),
            "fake_a": self.generator_ba(batch["b"], training=True),
        }

    def reconstruction_errors(self, batch: Tensors, shared: Tensors, group: str) -> dict:
        """L1 between images and their translations translated back, one loss for each domain.

        Args:
            batch: Images of both domains.
            shared: Results of `translate_batch`.
            group: Prefix of the terms: `GROUP_a` and `GROUP_b`. A term whose weight is 0 is left
                out, and its images are not translated back.
        """
        losses = {}
        if self.uses(f"{group}_a"):
            reconstructed_a = self.generator_ba(shared["fake_b"], training=True)
            losses[f"{group}_a"] = mean_absolute_error(reconstructed_a, batch["a"])
        if self.uses(f"{group}_b"):
            reconstructed_b = self.generator_ab(shared["fake_a"], training=True)
            losses[f"{group}_b"] = mean_absolute_error(reconstructed_b, batch["b"])
        return losses

    def image_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """The shapes of the images that both generators take."""
        return {"a": self.generator_ab.input_shape[1:], "b": self.generator_ba.input_shape[1:]}

    def signatures(self) -> dict[str, Signature]:
        """`a_to_b` and `b_to_a`: one generator each."""
        networks = {"a_to_b": self.generator_ab, "b_to_a": self.generator_ba}
        return image_signatures(networks, describe_inference)
