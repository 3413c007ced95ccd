"""The names of settings, networks and stages up to revision dcec77b, and the names since then.

`scripts.results.rename_keys` rewrites published results with these tables. `scripts/bench steps
--before REVISION` uses them backwards, to configure a revision that knows the earlier names only.
"""

from collections.abc import Mapping
from typing import Any

LAST_REVISION = "dcec77b"  # the last one with the earlier names

NETWORKS = {
    "critic": "discriminator",
    "critic_a": "discriminator_a",
    "critic_b": "discriminator_b",
    "critic_head": "discriminator_head",
    "latent_critic": "latent_discriminator",
    "features": "feature_extractor",
    "recogniser": "identity_embedder",
}
STAGES = {"features": "feature_extractor", "recogniser": "identity_embedder"}
TERMS = {
    "critic": "discriminator",
    "latent_critic": "latent_discriminator",
    "critics_decay": "discriminators_decay",
    "slope": "r1",
    "classifier_slope": "classifier_r1",
    "fooling": "latent_adversarial",
    "wearing": "attribute_classification",
    "same_picture": "nt_xent",
}
TABLES = {"terms": "loss_weights"}  # of a configuration
VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {  # by table and key, earlier names
    ("model", "encoder"): {"features": "feature_extractor"},  # of DTN
}
SETTINGS: Mapping[str, Mapping[str, str]] = {  # by table of a configuration, earlier names
    "model": {
        "base": "base_filters",
        "decoder_base": "decoder_filters",
        "encoder_base": "encoder_filters",
        "classifier_base": "classifier_filters",
        "widest": "max_filters",
        "levels": "num_downsamples",
        "critic": "discriminator",
        "critic_base": "discriminator_filters",
        "critic_head": "discriminator_head",
        "critic_layers": "discriminator_layers",
        "critic_levels": "discriminator_downsamples",
        "critic_noise": "discriminator_noise",
        "critic_norm": "discriminator_norm",
        "critic_optimizer": "discriminator_optimizer",
        "critic_turns": "discriminator_turns",
        "burst_turns": "discriminator_burst_turns",
        "burst_every": "discriminator_burst_every",
        "wearing_from": "attribute_classification_start",
        "start_rate": "reconstruction_weight_start",
        "rate": "reconstruction_weight",
        "head_start": "reconstruction_weight_start_steps",
        "edit_rate": "edit_learning_rate",
        "refresh": "bn_recalibration_steps",
        "features": "feature_extractor",
        "recogniser": "identity_embedder",
        "recogniser_base": "identity_embedder_filters",
        "recogniser_optimizer": "identity_embedder_optimizer",
        "recogniser_range": "identity_embedder_range",
        "recogniser_width": "identity_embedder_width",
    },
    "terms": TERMS,
    "data": {"twin_column": "group_column"},
    "training": {
        "average": "ema_momentum",
        "choose": "checkpoint_selection",
        "decay": "lr_schedule",
        "decay_start": "lr_decay_start",
        "start_from": "init_from",
    },
    "evaluation": {"features": "pretrained"},
}
NESTED: Mapping[tuple[str, str], Mapping[str, str]] = {  # by table and key, earlier names
    ("model", "search"): {"rate": "learning_rate", "bend": "relu_gradient_width"},
    ("training", "stages"): STAGES,
}


def renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A copy of a mapping with other keys, in the same order."""
    return {names.get(key, key): value for key, value in values.items()}


def inverse(names: Mapping[str, str]) -> dict[str, str]:
    """The names from new to earlier."""
    return {new: earlier for earlier, new in names.items()}


def _renamed_value(
    value: Any, keys: Mapping[str, str] | None, names: Mapping[str, str] | None
) -> Any:
    if isinstance(value, Mapping):
        return renamed(value, keys or {})
    return (names or {}).get(value, value) if isinstance(value, str) else value


def to_new_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with earlier names, in those of today."""
    found = {}
    for table, values in config.items():
        if isinstance(values, Mapping):
            values = {
                key: _renamed_value(value, NESTED.get((table, key)), VALUES.get((table, key)))
                for key, value in values.items()
            }
            values = renamed(values, SETTINGS.get(table, {}))
        found[TABLES.get(table, table)] = values
    return found


# Settings that revisions with the earlier names did not have; they took their earlier values.
_NEW = ("gradient_penalty_reduction", "initial_mean_square", "epsilon_form")


def to_earlier_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the names of today, in the earlier ones."""
    found = {}
    for new_table, values in _without_new(config).items():
        table = inverse(TABLES).get(new_table, new_table)
        if isinstance(values, Mapping):
            values = renamed(values, inverse(SETTINGS.get(table, {})))
            values = {
                key: _renamed_value(
                    value,
                    inverse(NESTED.get((table, key), {})),
                    inverse(VALUES.get((table, key), {})),
                )
                for key, value in values.items()
            }
        found[table] = values
    return found


def _without_new(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_new(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if key not in _NEW
    }


def to_new_setting(name: str) -> str:
    """The name of a setting as `--set` takes it, such as "terms.slope", in that of today."""
    table, dot, key = name.partition(".")
    key, nested_dot, nested = key.partition(".")
    new_nested = NESTED.get((table, key), {}).get(nested, nested)
    new_key = SETTINGS.get(table, {}).get(key, key)
    return f"{TABLES.get(table, table)}{dot}{new_key}{nested_dot}{new_nested}"
