"""The symbols of the papers' losses: plain means in float32, no weights, no scaling."""

from tf_translate.losses.adversarial import (
    GANLoss,
    class_cross_entropy,
    conditional_discriminator,
    discriminator_losses,
    fake_cross_entropy,
    gan_loss,
    least_squares_discriminator,
    least_squares_generator,
    vanilla_discriminator,
    vanilla_generator,
    wasserstein_discriminator,
    wasserstein_generator,
)
from tf_translate.losses.attribute_classification import (
    attribute_cross_entropy,
    classifier_losses,
    other_categories,
)
from tf_translate.losses.conditional_discriminator import conditional_discriminator_losses
from tf_translate.losses.contrastive import nt_xent
from tf_translate.losses.introspective import (
    IntrospectiveGANLoss,
    binary_discriminator,
    binary_generator,
    feature_distance,
    kl_from_standard_normal,
    ternary_discriminator,
    ternary_generator,
)
from tf_translate.losses.reconstruction import (
    cosine_distance,
    feature_matching,
    mean_absolute_error,
    mean_squared_error,
)
from tf_translate.losses.regularization import (
    clip_weights,
    gradient_penalties,
    gradient_penalty,
    mean_weight_decay,
    orthogonality_of_filters,
    orthogonality_of_rows,
    r1_penalty,
    total_variation,
    weight_decay,
)

__all__ = [
    "GANLoss",
    "IntrospectiveGANLoss",
    "attribute_cross_entropy",
    "binary_discriminator",
    "binary_generator",
    "class_cross_entropy",
    "classifier_losses",
    "clip_weights",
    "conditional_discriminator",
    "conditional_discriminator_losses",
    "cosine_distance",
    "discriminator_losses",
    "fake_cross_entropy",
    "feature_distance",
    "feature_matching",
    "gan_loss",
    "gradient_penalties",
    "gradient_penalty",
    "kl_from_standard_normal",
    "least_squares_discriminator",
    "least_squares_generator",
    "mean_absolute_error",
    "mean_squared_error",
    "mean_weight_decay",
    "nt_xent",
    "orthogonality_of_filters",
    "orthogonality_of_rows",
    "other_categories",
    "r1_penalty",
    "ternary_discriminator",
    "ternary_generator",
    "total_variation",
    "vanilla_discriminator",
    "vanilla_generator",
    "wasserstein_discriminator",
    "wasserstein_generator",
    "weight_decay",
]
