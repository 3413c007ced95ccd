"""The page of every setting: docs/reference/settings.md."""

import json
from collections.abc import Iterator
from itertools import groupby

from scripts.results.methods_table import own_methods
from tf_translate.config.data import DataConfig
from tf_translate.config.schema import EvaluationConfig, TrainingConfig
from tf_translate.config.settings_list import SettingInfo, list_settings

_HEAD = """# Settings

This page is generated from the settings classes. Give a setting with `--set key=value`, or in a
TOML file in the table of its first word: `training.steps` is `steps` below `[training]`. Values are
TOML: `--set data.size='[128, 128]'`, `--set training.seed=3`. What is no TOML is taken as text.

A preset (`tf-translate train NAME`) changes some of the defaults below. The resolved settings of a
run are in its `config.json`. In brackets stands where a default is from.

`loss_weights.TERM` replaces the weight of a loss term of the method. `tf-translate settings METHOD`
lists its terms.

"""


def page() -> str:
    """The page in Markdown, with what `tf-translate settings` prints."""
    sections = [
        ("Data", "data.", DataConfig),
        ("Training", "training.", TrainingConfig),
        ("Evaluation", "evaluation.", EvaluationConfig),
        *((f"Model: {each.name}", "model.", each.settings) for each in own_methods()),
    ]
    return _HEAD + "\n".join(
        f"## {title}\n\n| setting | type | default | meaning |\n|---|---|---|---|\n"
        + "".join(f"| {' | '.join(cells)} |\n" for cells in rows(list_settings(model, prefix=key)))
        for title, key, model in sections
    )


def rows(settings: list[SettingInfo]) -> Iterator[tuple[str, str, str, str]]:
    """Key, type, default and meaning of each setting; before those of a group, the group's."""
    for group, members in groupby(settings, lambda one: one.group):
        listing = list(members)
        if group:
            yield f"`{listing[0].key.rpartition('.')[0]}`", "group", "", _text(group)
        for one in listing:
            condition = f"only with `{one.only_with}`: " if one.only_with else ""
            source = f" ({one.source})" if one.source else ""
            kind = ", ".join(part for part in (one.type, one.range) if part)
            default = "required" if one.required else _default(one.default)
            yield f"`{one.key}`", _text(kind), default, condition + _text(one.description + source)


def _default(value: object) -> str:
    return "not set" if value is None else f"`{json.dumps(value)}`"


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
