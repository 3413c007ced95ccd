"""Settings of earlier versions are refused in one sentence that names the new key."""

import json

import pytest

from tf_translate.config.load import validate
from tf_translate.config.renamed import _RENAMED, refuse_renamed
from tf_translate.config.schema import Config
from tf_translate.errors import ConfigError
from tf_translate.experiment.configure import read_config, resolve
from tf_translate.methods.registry import all_methods


def _known_keys():
    from tf_translate.config.setting_errors import keys

    of_methods = (
        key
        for method in all_methods().values()
        for key in (
            *keys(method.settings, "model."),
            *(f"loss_weights.{term.name}" for term in method.translator.terms),
        )
    )
    return {*keys(Config), *of_methods, "model.search", "model.optimizer"}


@pytest.mark.parametrize("old", sorted(_RENAMED))
def test_every_new_name_exists_and_no_old_one_does(old):
    known = _known_keys()
    prefixes = {key.rsplit(".", 1)[0] for key in known}
    assert _RENAMED[old] in known | prefixes
    assert old not in known


@pytest.mark.parametrize(
    "old", [key for key in sorted(_RENAMED) if key.split(".")[0] not in ("model", "loss_weights")]
)
def test_an_old_key_in_a_file_names_the_new_one(old, tmp_path):
    *groups, name = old.split(".")
    table = f"[{'.'.join(groups)}]\n{name} = 1\n" if groups else f"[{name}]\nl1 = 1\n"
    path = tmp_path / "old.toml"
    path.write_text(f'method = "pix2pix"\n{table}')
    with pytest.raises(ConfigError) as caught:
        resolve(str(path))
    expected = f"the setting {old!r} is now called {_RENAMED[old]!r}; rename it"
    assert str(caught.value) == f"{path}: {expected}"


@pytest.mark.parametrize(
    ("preset", "override"), [("cyclegan", "model.{}=4"), ("fader", "loss_weights.{}=1")]
)
def test_an_old_key_of_a_method_names_the_new_one(preset, override):
    group = override.split(".")[0]
    old = next(key for key in _RENAMED if key.startswith(f"{group}."))
    with pytest.raises(ConfigError, match=f"{old}' is now called '{_RENAMED[old]}'"):
        resolve(preset, [override.format(old.split(".")[1])])


def test_a_run_of_an_earlier_version_is_refused_by_its_first_old_key(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    old = next(key for key in _RENAMED if key.startswith("training."))
    config = {"method": "pix2pix", "data": {"path": "x"}, "training": {old.split(".")[1]: 0}}
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=f"'{old}' is now called '{_RENAMED[old]}'"):
        read_config(run)


def test_a_method_may_use_an_old_name_for_a_setting_of_its_own():
    old = next(key for key in _RENAMED if key.startswith("model."))
    name = old.split(".")[1]
    refuse_renamed({name: 1}, [old], "mine.toml", prefix="model.")
    with pytest.raises(ConfigError, match="is now called"):
        refuse_renamed({name: 1}, [], "mine.toml", prefix="model.")
    assert validate(Config, {"method": "mine", "model": {name: 1}, "data": {"path": "x"}}, "o")
