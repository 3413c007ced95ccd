"""Errors about labels, stages and networks: one sentence each, exit code 2, no traceback."""

import numpy as np
import pytest

from tf_translate import images


@pytest.fixture
def labelled(tmp_path):
    """Two domains with a folder for each of three classes."""
    folder = tmp_path / "labelled"
    for split in ("train", "test"):
        for domain in "AB":
            for index in range(6):
                image = np.full((8, 8, 3), 40 * index, np.uint8)
                name = f"{split}{domain}/{index % 3}/{index}.png"
                images.write(folder / name, image)
    return folder


def _train_dtn(mistake, tmp_path, *overrides):
    settings = ("data.size=[8, 8]", "data.channels_b=3", "model.base_filters=2", "training.steps=4")
    options = [part for value in (*settings, *overrides) for part in ("--set", value)]
    sentence = mistake("train", "dtn", "--run", tmp_path / "run", *options)
    assert not (tmp_path / "run").exists()
    return sentence


def test_data_without_the_labels_of_a_stage_is_rejected(mistake, tmp_path, pairs):
    sentence = _train_dtn(mistake, tmp_path, f"data.path={pairs}")
    assert "the stage 'feature_extractor' of dtn needs label_a, but" in sentence
    assert "use a folder for each class" in sentence


def test_a_number_of_classes_that_differs_from_the_data_is_rejected(mistake, tmp_path, labelled):
    sentence = _train_dtn(mistake, tmp_path, f"data.path={labelled}")
    assert "model.classes must be the number of classes in" in sentence
    assert "3, got 10" in sentence


def test_an_unknown_stage_lists_the_known_stages(mistake, tmp_path, labelled):
    overrides = (f"data.path={labelled}", "model.classes=3", "training.stages.extractor=0.5")
    sentence = _train_dtn(mistake, tmp_path, *overrides)
    assert "training.stages names ['extractor'], but the stages before the last" in sentence


def test_too_few_steps_for_all_stages_are_rejected(mistake, tmp_path, labelled):
    overrides = (f"data.path={labelled}", "model.classes=3", "training.steps=1")
    sentence = _train_dtn(mistake, tmp_path, *overrides)
    assert "training.steps must leave at least 1 to the stage 'transfer'" in sentence


def test_errors_in_optimizer_settings_name_the_key_and_its_rule(mistake, tmp_path, pairs):
    data = ("--set", f"data.path={pairs}", "--set", "data.size=[16, 16]")

    def sentence(value):
        run = tmp_path / "run"
        return mistake("train", "dualgan", "--run", run, *data, "--set", f"model.optimizer.{value}")

    assert "model.optimizer.learning_rate = -1 is not allowed" in sentence("learning_rate=-1")
    near = "no setting 'model.optimizer.learning_rat'; did you mean 'model.optimizer.learning_rate'"
    assert near in sentence("learning_rat=1")
    assert "no setting 'model.optimizer.beta_1'" in sentence("beta_1=0.5")  # RMSProp has none
    assert "'adam' or 'rmsprop'" in sentence("kind=adamw")


def test_a_missing_feature_extractor_file_is_rejected(mistake, tmp_path, labelled):
    overrides = (f"data.path={labelled}", "model.feature_extractor=nowhere.keras")
    sentence = _train_dtn(mistake, tmp_path, *overrides)
    assert "`feature_extractor` must be a .keras file" in sentence


def test_an_image_size_that_is_not_a_power_of_two_is_rejected_by_discogan(mistake, tmp_path, pairs):
    options = ["--set", f"data.path={pairs}", "--set", "data.size=[48, 48]"]
    sentence = mistake("train", "discogan", "--run", tmp_path / "run", *options)
    assert "must be square with a side of 8, 16, 32, 64 or another power of two" in sentence
