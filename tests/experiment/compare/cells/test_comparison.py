"""A comparison: the settings of its cells, and mistakes in its own."""

from pathlib import Path

import pytest

from tests.experiment.compare.cells.shipped import comparison_on, config_of
from tf_translate.errors import ConfigError
from tf_translate.experiment.compare.cells.choose_cells import choose_cells


def test_a_cell_is_a_method_and_a_seed():
    cells = choose_cells(comparison_on(), ["pix2pix", "ian"], 2)
    assert [each.id for each in cells] == ["pix2pix:0", "ian:0", "pix2pix:1", "ian:1"]
    assert cells[2].folder == Path("runs/glasses/pix2pix-1")
    config = config_of(cells[2])
    assert config.training.seed == 1
    assert config.training.minutes == 45
    assert config.data.path == "/data/dicebear-glasses-pairs.csv"
    assert config.evaluation.judge_path == "/data/dicebear-glasses.csv"


def test_settings_that_count_steps_shrink_with_the_budget():
    names = ["cyclegan", "icgan", "fader"]
    cells = choose_cells(comparison_on(minutes=15.0), names, 1)
    assert comparison_on(minutes=15.0).shortened("dtn") == {}
    cyclegan, icgan, fader = map(config_of, cells)
    assert cyclegan.training.ema_momentum == pytest.approx(0.999**3, abs=1e-5)
    assert icgan.model["bn_recalibration_steps"] == 40  # statistics need as many images as before
    assert fader.model["ramp"] == 1000
    assert fader.training.ema_momentum == 0.0
    ablated = comparison_on(minutes=15.0).cell("fader-without-latent_adversarial", 0)
    assert config_of(ablated).model["ramp"] == 1000


def test_settings_that_count_steps_are_those_of_the_task_at_its_budget_or_a_longer_one():
    for minutes in (None, 45.0, 90.0):
        (cell,) = choose_cells(comparison_on(minutes=minutes), ["fader"], 1)
        assert config_of(cell).model["ramp"] == 3000


def test_a_setting_that_is_given_does_not_shrink():
    comparison = comparison_on(minutes=15.0, overrides=["training.ema_momentum=0.5"])
    (cell,) = choose_cells(comparison, ["cyclegan"], 1)
    assert config_of(cell).training.ema_momentum == 0.5
    assert comparison.shortened("cyclegan") == {}


@pytest.mark.parametrize("task", ["digits", "glasses", "ordinal", "paired", "unpaired"])
def test_all_cells_of_the_shipped_tasks_have_valid_settings(task):
    for cell in choose_cells(comparison_on(task), [], 1):
        feature_extractor = config_of(cell).model.get("feature_extractor")
        assert feature_extractor in (None, f"runs/{task}/pretrained/lite0.keras")


def test_attributes_of_a_task_replace_those_of_the_preset():
    cell = comparison_on().cell("fader", 0)  # its preset has beards too
    assert config_of(cell).data.attributes == {"glasses": ["0", "1"]}


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: comparison_on(minutes=0.0), "--budget must be above 0 minutes, got 0"),
        (lambda: comparison_on(overrides=["training.steps=5"]), "use --budget and --seeds"),
        (lambda: comparison_on(overrides=["steps=5"]), "--set takes group.setting=value"),
        (
            lambda: choose_cells(comparison_on(overrides=["data.sise=5"]), ["ian"], 1),
            "the task glasses, method ian: .*did you mean 'data.size'",
        ),
    ],
)
def test_a_mistake_is_one_sentence(mistake, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mistake()
