"""Presets, TOML files and `--set` overrides."""

from pathlib import Path

import pytest

from tf_translate import config as config_package
from tf_translate.config.load import load, presets
from tf_translate.errors import ConfigError, UnknownMethodError


def _file(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


# Not all that `presets()` has: other tests import methods of their own, with presets.
SHIPPED = sorted(file.stem for file in Path(config_package.__file__).parent.glob("presets/*.toml"))
VALID = 'method = "pix2pix"\n[data]\npath = "somewhere"\n'


def test_the_name_of_a_method_loads_its_small_preset():
    assert load("pix2pix") == load("pix2pix_small")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_preset_is_valid_and_states_its_command_and_its_time(name):
    from tf_translate.experiment.configure import resolve

    config = resolve(name)
    assert name.startswith(config.method)
    first_lines = presets()[name].splitlines()[:6]
    assert any(f"tf-translate train {config.method}" in line for line in first_lines)
    assert any("Time" in line for line in first_lines)


def test_paper_presets_have_the_networks_of_their_codes():
    from tf_translate.experiment.configure import resolve

    for name in ("fader_paper", "icgan_paper", "discogan_paper"):
        assert resolve(name).model["initialization"] == "torch_2017", name
    constants = ("batch_norm_epsilon", "batch_norm_momentum")
    found = {
        name: tuple(resolve(name).model[each] for each in constants)
        for name in ("genegan_paper", "dtn_paper", "dtn_faces")
    }
    expected = {"genegan_paper": (1e-3, 0.99), "dtn_paper": (1e-3, 0.95), "dtn_faces": (1e-5, 0.9)}
    assert found == expected  # tf.layers, yunjey, davrempe (PyTorch)


def test_overrides_are_parsed_as_toml_or_else_as_text():
    config = load(
        "cyclegan",
        [
            "training.steps=7",
            "data.size=[32, 48]",
            "data.path=my folder",
            "loss_weights.identity=0",
        ],
    )
    assert config.training.steps == 7
    assert config.data.size == (32, 48)
    assert config.data.path == "my folder"
    assert config.loss_weights["identity"] == 0.0


def test_a_file_is_read_and_defaults_are_filled_in(tmp_path):
    config = load(_file(tmp_path, VALID))
    assert (config.data.path, config.training.batch_size) == ("somewhere", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            VALID + "[training]\nstep = 3\n",
            "no setting 'training.step'; did you mean 'training.steps'",
        ),
        (VALID + "learning_rat = 3\n", "there is no setting 'data.learning_rat'"),
        (VALID + "[training]\nsteps = 0\n", "training.steps = 0 is not allowed"),
        (VALID + "[training]\nsteps = 'many'\n", "training.steps = 'many' is not allowed"),
        ('method = "pix2pix"\n', "the setting 'data' is missing"),
        ('method = "pix2pix\n', "is not valid TOML"),
        (VALID + "size = [64]\n", "data.size"),
    ],
)
def test_errors_in_a_file_name_file_key_value_and_the_nearest_key(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        load(_file(tmp_path, text))
    assert message in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_a_key_of_the_same_name_elsewhere_is_suggested(tmp_path):
    with pytest.raises(ConfigError, match=r"'model.steps'|'training.steps'"):
        load(_file(tmp_path, VALID + "steps = 5\n"))


def test_a_missing_file_and_an_unknown_preset_have_different_errors():
    with pytest.raises(ConfigError, match=r"there is no configuration file nowhere.toml"):
        load("nowhere.toml")
    with pytest.raises(UnknownMethodError, match="did you mean 'cyclegan_small'"):
        load("cyclegann")


@pytest.mark.parametrize("override", ["training.steps", "=3"])
def test_an_override_without_key_or_value_is_refused(override):
    with pytest.raises(ConfigError, match="--set takes key=value"):
        load("pix2pix", [override])


def test_an_override_below_a_plain_value_is_refused():
    with pytest.raises(ConfigError, match="'method' is a value, not a group of settings"):
        load("pix2pix", ["method.name=3"])
