"""`tf-translate distill`: from a finished run or a method to the verified bundle of a student."""

import json

import numpy as np
import pytest

from tests.cli.conftest import settings
from tf_translate.errors import ConfigError
from tf_translate.experiment.distill import distilled_config, student_settings
from tf_translate.experiment.load_run import load_model

SMALL = "mobile:filters=4,blocks=1"
WITHOUT_FEATURES = settings("loss_weights.student_features=0", "loss_weights.student_style=0")


def test_a_student_is_described_in_a_few_words():
    described = student_settings("mobile_unet:filters=8,downsamples=5,norm=instance")
    assert described == {
        "network": "mobile_unet",
        "base_filters": 8,
        "num_downsamples": 5,
        "norm": "instance",
    }
    with pytest.raises(ConfigError, match=r"--student must begin with one of mobile, mobile_re"):
        student_settings("resnet")
    with pytest.raises(ConfigError, match=r"takes settings as in .*, got 'filters'"):
        student_settings("mobile:filters")
    with pytest.raises(ConfigError, match=r"model.student.wide"):
        distilled_config("pix2pix", "mobile:wide=1")


def test_a_method_teaches_online_and_efficientnet_is_no_judge_of_what_it_teaches():
    judges = ['evaluation.pretrained=["inception_v3"]']
    config = distilled_config("pix2pix", overrides=judges)
    assert (config.method, config.model["student"]["teaching"]) == ("distilled_pix2pix", "online")
    assert config.evaluation.pretrained == ["inception_v3"]
    with pytest.raises(ConfigError, match=r"offline teaching needs a finished run, 'pix2pix' is"):
        distilled_config("pix2pix", teaching="offline")


@pytest.mark.thorough
def test_a_student_of_a_run_is_trained_exported_and_verified(command, trained, tmp_path):
    run, bundle = tmp_path / "small", tmp_path / "bundle"
    options = (*settings("training.steps=2"), *WITHOUT_FEATURES)
    code, _, error = command("distill", trained, "--student", SMALL, "--run", run, *options)
    assert code == 0, error
    config = json.loads((run / "config.json").read_text())
    assert config["method"] == "distilled_pix2pix"
    assert config["training"]["init_from"] == str(trained)
    model, teacher = load_model(run), load_model(trained)
    pairs = zip(model.generator.weights, teacher.generator.weights, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs), "the teacher stays as it is"
    code, _, error = command("export", run, "--bundle", bundle, "--recipe", "float32")
    assert code == 0, error
    assert command("verify", bundle)[0] == 0
    again = settings("training.steps=3")
    code, _, error = command("train", "distilled_pix2pix", "--run", run, "--resume", *again)
    assert code == 2  # its learning rate follows the steps
    assert "training.steps" in error


@pytest.mark.thorough
def test_what_cannot_teach_is_refused_in_one_sentence(mistake, tmp_path):
    assert "not from fader, whose outputs depend on more than one image" in mistake(
        "distill", "fader", "--run", tmp_path / "a"
    )
    assert "is a folder without config.json" in mistake("distill", tmp_path)
