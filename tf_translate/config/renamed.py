"""Settings of earlier versions and their names today, so that old files end in one sentence."""

from collections.abc import Iterable

from tf_translate.errors import ConfigError

_RENAMED = {
    "terms": "loss_weights",
    "training.average": "training.ema_momentum",
    "training.decay": "training.lr_schedule",
    "training.decay_start": "training.lr_decay_start",
    "training.choose": "training.checkpoint_selection",
    "training.start_from": "training.init_from",
    "data.twin_column": "data.group_column",
    "evaluation.features": "evaluation.pretrained",
    "model.base": "model.base_filters",
    "model.levels": "model.num_downsamples",
    "model.widest": "model.max_filters",
    "model.decoder_base": "model.decoder_filters",
    "model.encoder_base": "model.encoder_filters",
    "model.classifier_base": "model.classifier_filters",
    "model.critic": "model.discriminator",
    "model.critic_base": "model.discriminator_filters",
    "model.critic_head": "model.discriminator_head",
    "model.critic_layers": "model.discriminator_layers",
    "model.critic_levels": "model.discriminator_downsamples",
    "model.critic_noise": "model.discriminator_noise",
    "model.critic_norm": "model.discriminator_norm",
    "model.critic_optimizer": "model.discriminator_optimizer",
    "model.critic_turns": "model.discriminator_turns",
    "model.burst_turns": "model.discriminator_burst_turns",
    "model.burst_every": "model.discriminator_burst_every",
    "model.head_start": "model.reconstruction_weight_start_steps",
    "model.start_rate": "model.reconstruction_weight_start",
    "model.rate": "model.reconstruction_weight",
    "model.edit_rate": "model.edit_learning_rate",
    "model.search.rate": "model.search.learning_rate",
    "model.search.bend": "model.search.relu_gradient_width",
    "model.refresh": "model.bn_recalibration_steps",
    "model.wearing_from": "model.attribute_classification_start",
    "model.features": "model.feature_extractor",
    "model.recogniser": "model.identity_embedder",
    "model.recogniser_base": "model.identity_embedder_filters",
    "model.recogniser_optimizer": "model.identity_embedder_optimizer",
    "model.recogniser_range": "model.identity_embedder_range",
    "model.recogniser_width": "model.identity_embedder_width",
    "loss_weights.critic": "loss_weights.discriminator",
    "loss_weights.critics_decay": "loss_weights.discriminators_decay",
    "loss_weights.latent_critic": "loss_weights.latent_discriminator",
    "loss_weights.fooling": "loss_weights.latent_adversarial",
    "loss_weights.wearing": "loss_weights.attribute_classification",
    "loss_weights.slope": "loss_weights.r1",
    "loss_weights.classifier_slope": "loss_weights.classifier_r1",
    "loss_weights.same_picture": "loss_weights.nt_xent",
}


def refuse_renamed(values: dict, known: Iterable[str], origin: str, *, prefix: str = "") -> None:
    """Refuses settings of earlier versions.

    Args:
        values: Nested values as they were given.
        known: Dotted keys that exist today, such as those of a method of one's own.
        origin: File or preset the values are from, for the message.
        prefix: Dotted path that leads to `values`.

    Raises:
        ConfigError: If a key was renamed; the sentence names the new key.
    """
    known = set(known)
    for key in _flattened(values, prefix):
        if key in _RENAMED and key not in known:
            raise ConfigError(
                f"{origin}: the setting {key!r} is now called {_RENAMED[key]!r}; rename it"
            )


def _flattened(values: dict, prefix: str) -> list[str]:
    """All dotted keys of nested values, those of groups included."""
    keys = []
    for name, value in values.items():
        keys.append(prefix + name)
        if isinstance(value, dict):
            keys += _flattened(value, f"{prefix}{name}.")
    return keys
