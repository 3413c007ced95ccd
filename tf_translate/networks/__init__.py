"""The networks of the papers: functions that return built `keras.Model`s."""

from tf_translate.networks.conditional_gan import (
    conditional_discriminator,
    conditional_generator,
    image_encoder,
)
from tf_translate.networks.dtn import (
    class_discriminator,
    class_head,
    code_decoder,
    code_encoder,
    face_discriminator,
)
from tf_translate.networks.encoder_decoder import encoder_decoder
from tf_translate.networks.fader import (
    fader_decoder,
    fader_encoder,
    image_classifier,
    latent_discriminator,
)
from tf_translate.networks.genegan import joiner, object_discriminator, splitter
from tf_translate.networks.identity_embedder import (
    adapt_identity_embedder,
    image_identity_embedder,
    read_identity_embedder,
)
from tf_translate.networks.introspective import (
    discriminator_head,
    latent_decoder,
    latent_flow,
    latent_head,
    multiscale_decoder,
    trunk,
)
from tf_translate.networks.mobile import mobile_resnet, mobile_unet
from tf_translate.networks.patchgan_discriminator import patchgan_discriminator
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.strided_discriminator import feature_discriminator, strided_discriminator
from tf_translate.networks.taps import with_taps
from tf_translate.networks.unet import unet_generator

__all__ = [
    "adapt_identity_embedder",
    "class_discriminator",
    "class_head",
    "code_decoder",
    "code_encoder",
    "conditional_discriminator",
    "conditional_generator",
    "discriminator_head",
    "encoder_decoder",
    "face_discriminator",
    "fader_decoder",
    "fader_encoder",
    "feature_discriminator",
    "image_classifier",
    "image_encoder",
    "image_identity_embedder",
    "joiner",
    "latent_decoder",
    "latent_discriminator",
    "latent_flow",
    "latent_head",
    "mobile_resnet",
    "mobile_unet",
    "multiscale_decoder",
    "object_discriminator",
    "patchgan_discriminator",
    "read_identity_embedder",
    "resnet_generator",
    "splitter",
    "strided_discriminator",
    "trunk",
    "unet_generator",
    "with_taps",
]
