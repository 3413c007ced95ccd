import dataclasses

import pytest

from tf_translate.config.schema import Config, TrainingConfig
from tf_translate.data import samples
from tf_translate.errors import ConfigError
from tf_translate.experiment.build import build, paper_model, stage_ends
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import open_for

TINY = {
    "num_downsamples": 2,
    "base_filters": 4,
    "discriminator_downsamples": 2,
    "discriminator_filters": 4,
    "dropout": 0.0,
}


@dataclasses.dataclass
class Stages:
    """As much of a translator as the division of steps looks at."""

    stages: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def known_stages(self):
        return (*self.left_out, *self.stages)


def _training(**settings):
    return TrainingConfig(steps=100, **settings)


def test_a_single_stage_takes_all_steps():
    assert stage_ends(_training(), Stages(("train",))) == [("train", 100)]


def test_stages_take_their_shares_and_the_last_one_the_rest():
    stages = Stages(("gan", "encoder", "refine"))
    assert stage_ends(_training(stages={"gan": 0.6, "encoder": 0.1}), stages) == [
        ("gan", 60), ("encoder", 70), ("refine", 100),
    ]  # fmt: skip
    assert stage_ends(_training(), Stages(("gan", "encoder"))) == [("gan", 50), ("encoder", 100)]


def test_a_share_of_a_stage_that_is_left_out_is_passed_over():
    # DTN with a network that is given as f has no stage to train it.
    assert stage_ends(
        _training(stages={"features": 0.6}), Stages(("transfer",), ("features",))
    ) == [("transfer", 100)]


def test_stages_end_where_an_execution_ends():
    training = _training(stages={"gan": 0.33}, steps_per_execution=10)
    assert stage_ends(training, Stages(("gan", "encoder"))) == [("gan", 30), ("encoder", 100)]


def test_mistakes_about_stages():
    with pytest.raises(ConfigError, match=r"training.stages names \['gann'\], but the stages"):
        stage_ends(_training(stages={"gann": 0.5}), Stages(("gan", "encoder")))
    with pytest.raises(ConfigError, match="must leave at least 1 to the stage 'encoder'"):
        stage_ends(TrainingConfig(steps=1), Stages(("gan", "encoder")))


def test_rates_fall_over_a_players_own_updates():
    # Three turns of the discriminators a step: 300 updates, constant for half of them.
    config = Config(
        method="dualgan",
        model=TINY,
        data={"path": "unused", "size": [16, 16]},
        training={"steps": 100, "lr_schedule": "linear"},
    )
    optimizers = build(config).player_optimizers
    discriminators, generators = (
        optimizers[name]._learning_rate for name in ("discriminators", "generators")
    )
    assert (discriminators.constant_steps, discriminators.decay_steps) == (150, 150)
    assert (generators.constant_steps, generators.decay_steps) == (50, 50)


def test_players_have_the_optimizer_of_their_field_of_the_settings():
    config = Config(
        method="icgan",
        model={
            "latent": 2, "base_filters": 1, "discriminator_filters": 1, "encoder_filters": 1, "latent_width": 2,
            "attribute_width": 2, "encoder_optimizer": {"learning_rate": 1e-3, "beta_1": 0.2},
        },
        data={"path": "unused", "size": [8, 8], "attributes": {"glasses": ["0", "1"]}},
        training={"steps": 100, "lr_schedule": "linear", "stages": {"gan": 0.6, "encoder_z": 0.3}},
    )  # fmt: skip
    optimizers = build(config).player_optimizers
    found = {
        name: (one._learning_rate.initial, one.beta_1, one._learning_rate.decay_steps)
        for name, one in optimizers.items()
    }
    assert found == {
        "discriminator": (2e-4, 0.5, 30), "generator": (2e-4, 0.5, 30),
        "encoder_z": (1e-3, 0.2, 15), "encoder_y": (1e-3, 0.2, 5),
    }  # fmt: skip


def test_methods_are_described_at_the_size_of_their_papers():
    assert paper_model("discogan").generator_ab.input_shape == (None, 64, 64, 3)
    assert paper_model("dtn").decoder.output_shape == (None, 32, 32, 1)


def test_who_sits_out_bursts_has_its_rate_fall_over_the_steps_it_plays():
    model = build(
        resolve(
            "genegan_small",
            ["training.steps=90", "model.discriminator_burst_turns=3", "model.discriminator_burst_every=1", "model.base_filters=4",
             "model.discriminator_filters=4", "data.size=[16, 16]", "training.lr_schedule=linear"],
        )
    )  # fmt: skip
    rates = {name: one._learning_rate for name, one in model.player_optimizers.items()}
    assert rates["discriminators"].constant_steps + rates["discriminators"].decay_steps == 90
    assert rates["generators"].constant_steps + rates["generators"].decay_steps == 30


@pytest.mark.skipif("tones" not in samples.names(), reason="the sample of tones is not there")
def test_the_people_of_age_cgans_preset_are_known_at_all_their_levels():
    data = open_for(resolve("age_cgan"))
    assert data.attributes.categories == 6
    assert data.twins("test") is not None
