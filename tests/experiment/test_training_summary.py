"""The summary that `tf-translate train` prints first."""

import pytest

from tf_translate.config.load import load
from tf_translate.experiment.build import build
from tf_translate.experiment.training_summary import (
    memory_gb,
    summary_lines,
    trained_parameters,
)
from tf_translate.training.run_dir import RunDir

_TINY = {
    "data.size": [16, 16],
    "model.num_downsamples": 2,
    "model.base_filters": 4,
    "model.norm": "none",
    "model.input_skip": False,
    "model.discriminator_layers": 0,
    "model.discriminator_filters": 4,
}


@pytest.fixture(scope="module")
def built():
    config = load("pix2pix", {**_TINY, "data.channels_b": 1, "training.batch_size": 3})
    return config, build(config)


def test_parameters_are_those_of_the_networks_that_train(built):
    parameters = dict(trained_parameters(built[1]))
    # 1x1 convolutions: 4 channels to 4, to 8, to 1, each with a bias.
    assert parameters["discriminator"] == (4 * 4 + 4) + (4 * 8 + 8) + (8 + 1)
    assert list(parameters) == ["discriminator", "generator"]


def test_the_estimate_of_memory_grows_with_the_batch(built):
    config, translator = built
    twice = config.model_copy(
        update={"training": config.training.model_copy(update={"batch_size": 6})}
    )
    base, once = memory_gb(config, translator), memory_gb(twice, translator)
    values = (once - base) * 1e9 / 4 / 3  # of all layers, for one image in all passes
    # The discriminator alone, three times: concatenation, three convolutions, two activations.
    assert values > 3 * 16 * 16 * (4 + 4 + 4 + 8 + 8 + 1)


def test_the_summary_names_sizes_parameters_and_where_to_watch(built, tmp_path):
    lines = summary_lines(*built, RunDir(tmp_path / "run"))
    assert lines[0] == "images: 16 x 16 pixels, 3 channels to 1 channel"
    assert "discriminator 0.00 M, generator 0.0" in lines[1]
    assert lines[2] == "memory: about 1.0 GB, without the images"
    assert lines[3].endswith(f"tensorboard --logdir {tmp_path / 'run' / 'logs'}")


def test_the_summary_says_what_a_random_crop_shows(built, tmp_path):
    config, translator = built
    data = config.data.model_copy(update={"load_size": (36, 36)})
    cropped = config.model_copy(update={"data": data})
    line = summary_lines(cropped, translator, RunDir(tmp_path / "run"))[0]
    assert line.endswith("resized to 36 x 36 (data.load_size), and a random crop shows 20% of one")


@pytest.mark.parametrize(
    ("momentum", "steps", "said"),
    [
        (0.0, 10, None),
        (0.99, 1000, None),
        (0.9999, 20_000, "of generator: 14% of it"),
        (0.999, 818, "of generator: 44% of it will be the first weights, after 818 updates"),
    ],
)
def test_the_summary_says_what_a_moving_average_keeps_of_the_first_weights(
    built, tmp_path, momentum, steps, said
):
    config, translator = built
    training = {"ema_momentum": momentum, "steps": steps}
    short = config.model_copy(update={"training": config.training.model_copy(update=training)})
    lines = summary_lines(short, translator, RunDir(tmp_path / "run"))
    found = [line for line in lines if line.startswith("moving average ")]
    if said is None:
        assert found == []
        return
    (line,) = found
    assert said in line
    enough = float(line.removesuffix(" leaves 1%").split()[-1])
    assert 0.008 < enough**steps <= 0.01
