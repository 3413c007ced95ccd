"""`tf-translate settings`: every key with its values, meaning and source."""

import json

from tf_translate.config.load import presets


def _listed(command, *arguments):
    code, out, _ = command("settings", *arguments, "--json")
    assert code == 0
    listed = json.loads(out)
    return listed, {one["key"]: one for one in listed["settings"]}


def test_settings_of_a_method_hold_its_own_its_loss_weights_and_the_shared_ones(command):
    listed, settings = _listed(command, "cyclegan")
    assert (listed["method"], listed["preset"]) == ("cyclegan", None)
    assert settings["model.pool_size"]["default"] == 50
    assert settings["model.pool_size"]["source"] == "paper, section 4"
    assert settings["loss_weights.cycle_a"]["default"] == 10.0
    assert settings["loss_weights.cycle"]["value"] is None
    assert settings["training.steps"]["value"] == settings["training.steps"]["default"] == 1000


def test_settings_of_a_preset_have_its_values_beside_the_defaults(command):
    _, settings = _listed(command, "fader_small")
    ramp, weight = settings["model.ramp"], settings["loss_weights.latent_adversarial"]
    assert (ramp["value"], ramp["default"]) == (3000, 500_000)
    assert weight["value"] == "linear from 0 at step 0 to 0.03 at step 3,000"
    assert weight["default"] == "linear from 0 at step 0 to 0.0001 at step 500,000"
    assert settings["data.path"]["value"] in presets()["fader_small"]


def test_settings_without_a_method_are_those_that_all_share(command):
    _, settings = _listed(command)
    assert {key.partition(".")[0] for key in settings} == {"data", "training", "evaluation"}


def test_settings_fit_80_columns_and_cut_no_word(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, settings = _listed(command, "discogan_small")
    _, out, _ = command("settings", "discogan_small")
    assert max(map(len, out.splitlines())) <= 80
    words = " ".join(out.split())
    for one in settings.values():
        assert f"{one['key']} = " in words
        assert one["description"] in words
        assert one["source"] in words


def test_an_unknown_method_is_named_with_the_nearest(mistake):
    assert "did you mean 'cyclegan_small'" in mistake("settings", "cyclgan")


def test_one_number_is_a_square_and_other_texts_show_the_form(mistake, tmp_path):
    options = ("--run", tmp_path / "run", "--set", "data.size=32")
    sentence = mistake("train", "pix2pix", *options, "--set", "data.load_size=30")
    assert "load_size must be at least size [32, 32]" in sentence
    sentence = mistake("train", "pix2pix", *options, "--set", "data.size=32x32")
    assert "data.size = '32x32' is not allowed: a size is [height, width], such as" in sentence


def test_data_list_prints_json(command):
    code, out, _ = command("data", "list", "--json")
    listed = json.loads(out)
    assert code == 0
    splits = {one["path"]: one["splits"] for one in listed["samples"]}
    assert splits["samples:line_to_3d"]["train"] == "384 pairs"
    assert "dicebear" in {one["name"] for one in listed["fetchable"]}
