"""Settings of the data set: valid values and error messages."""

import pytest

from tf_translate.config.data import DataConfig
from tf_translate.errors import ConfigError


def error_message(**settings) -> str:
    with pytest.raises(ConfigError) as raised:
        DataConfig(**{"path": "x", **settings})
    return str(raised.value)


def test_lists_from_files_become_sizes():
    assert DataConfig(path="x", size=[64, 32], load_size=[72, 32]).load_size == (72, 32)


def test_a_crop_larger_than_the_image_is_refused():
    assert "load_size must be at least size [64, 64]" in error_message(
        size=[64, 64], load_size=[72, 63]
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"size": [64]},
        {"size": [64, 0]},
        {"channels_a": 2},
        {"flip": "vertical"},
        {"validation_share": 1.0},
        {"cache": "ram"},
        {"path": ""},
        {"colour": True},
    ],
)
def test_impossible_settings_are_refused_by_name(settings):
    assert next(iter(settings)) in error_message(**settings)


def test_every_setting_has_a_description():
    assert all(field.description for field in DataConfig.model_fields.values())
