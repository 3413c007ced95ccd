import dataclasses

import pytest

from tf_translate.config.schema import Config, TrainingConfig
from tf_translate.data import shipped_samples
from tf_translate.errors import ConfigError
from tf_translate.experiment.build import build, keep_stage_ends, paper_model, stage_ends
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import open_dataset

TINY = {
    "num_downsamples": 2,
    "base_filters": 4,
    "discriminator_downsamples": 2,
    "discriminator_filters": 4,
    "dropout": 0.0,
}


@dataclasses.dataclass
class Stages:
    """The part of a translator that `stage_ends` reads."""

    stages: tuple[str, ...]
    omitted: tuple[str, ...] = ()

    def known_stages(self):
        return (*self.omitted, *self.stages)


def _training(**settings):
    return TrainingConfig(steps=100, **settings)


def test_a_single_stage_takes_all_steps():
    assert stage_ends(_training(), Stages(("train",))) == [("train", 100)]


def test_stages_take_their_fractions_of_steps_and_the_last_one_the_rest():
    stages = Stages(("gan", "encoder", "refine"))
    assert stage_ends(_training(stages={"gan": 0.6, "encoder": 0.1}), stages) == [
        ("gan", 60), ("encoder", 70), ("refine", 100),
    ]  # fmt: skip
    assert stage_ends(_training(), Stages(("gan", "encoder"))) == [("gan", 50), ("encoder", 100)]


def test_the_fraction_of_an_omitted_stage_is_ignored():
    # DTN with a pretrained feature extractor has no stage to train it.
    assert stage_ends(
        _training(stages={"features": 0.6}), Stages(("transfer",), ("features",))
    ) == [("transfer", 100)]


def test_stages_end_at_multiples_of_steps_per_execution():
    training = _training(stages={"gan": 0.33}, steps_per_execution=10)
    assert stage_ends(training, Stages(("gan", "encoder"))) == [("gan", 30), ("encoder", 100)]


def test_more_or_fewer_steps_change_the_last_stage_only():
    stages = Stages(("gan", "encoder", "refine"))
    for previous in (_training(stages={"gan": 0.33}), _training(steps_per_execution=5)):
        ends = stage_ends(previous, stages)
        for steps in (10 * ends[1][1], 3145, ends[1][1] + 5):
            longer = keep_stage_ends(previous.model_copy(update={"steps": steps}), previous, stages)
            assert stage_ends(longer, stages) == [*ends[:-1], ("refine", steps)]
            TrainingConfig.model_validate(longer.model_dump())  # as it is read again
    with pytest.raises(ConfigError, match=r"training\.steps must leave at least"):
        keep_stage_ends(previous.model_copy(update={"steps": 5}), previous, stages)
    assert keep_stage_ends(previous, previous, stages) is previous


def test_invalid_stages_are_refused():
    with pytest.raises(ConfigError, match=r"training.stages names \['gann'\], but the stages"):
        stage_ends(_training(stages={"gann": 0.5}), Stages(("gan", "encoder")))
    with pytest.raises(ConfigError, match="must leave at least 1 to the stage 'encoder'"):
        stage_ends(TrainingConfig(steps=1), Stages(("gan", "encoder")))


def test_learning_rates_decay_over_the_updates_of_each_player():
    # Three discriminator turns per step: 300 updates, constant for half of them.
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


def _piecewise(**training):
    return Config(
        method="dualgan",
        model=TINY,
        data={"path": "unused", "size": [16, 16]},
        training={"lr_schedule": "piecewise", "lr_factors": [0.5, 0.05], **training},
    )


def test_a_piecewise_learning_rate_changes_at_fractions_of_the_updates_of_each_player():
    config = _piecewise(steps=100, lr_boundaries=[0.25, 0.5])  # 300 updates of discriminators
    optimizers = build(config).player_optimizers
    discriminators, generators = (
        optimizers[name]._learning_rate for name in ("discriminators", "generators")
    )
    assert (discriminators.boundaries, generators.boundaries) == ([75, 150], [25, 50])
    first = generators.rates[0]
    assert generators.rates == pytest.approx([first, 0.5 * first, 0.05 * first])
    with pytest.raises(ConfigError, match=r"lr_boundaries must be different updates, got \[1, 1\]"):
        build(_piecewise(steps=2, lr_boundaries=[0.5, 0.6]))


@pytest.mark.parametrize(
    ("boundaries", "message"),
    [
        ([0.5], "needs lr_boundaries and as many lr_factors"),
        ([0.5, 0.25], "lr_boundaries must ascend"),
        ([0.5, 1.0], "must be below 1"),
    ],
)
def test_boundaries_without_a_factor_or_out_of_order_are_refused(boundaries, message):
    with pytest.raises(ConfigError, match=message):
        _piecewise(lr_boundaries=boundaries)


def test_each_player_has_the_optimizer_of_its_settings_field():
    config = Config(
        method="icgan",
        model={
            "latent": 2, "base_filters": 1, "discriminator_filters": 1, "encoder_filters": 1,
            "latent_width": 2, "attribute_width": 2,
            "encoder_optimizer": {"learning_rate": 1e-3, "beta_1": 0.2},
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


def test_paper_models_have_the_image_sizes_of_their_papers():
    assert paper_model("discogan").generator_ab.input_shape == (None, 64, 64, 3)
    assert paper_model("dtn").decoder.output_shape == (None, 32, 32, 1)


def test_the_learning_rate_of_a_player_without_bursts_decays_over_its_own_steps():
    model = build(
        resolve(
            "genegan_small",
            ["training.steps=90", "model.discriminator_burst_turns=3",
             "model.discriminator_burst_every=1", "model.base_filters=4",
             "model.discriminator_filters=4", "data.size=[16, 16]", "training.lr_schedule=linear"],
        )
    )  # fmt: skip
    rates = {name: one._learning_rate for name, one in model.player_optimizers.items()}
    assert rates["discriminators"].constant_steps + rates["discriminators"].decay_steps == 90
    assert rates["generators"].constant_steps + rates["generators"].decay_steps == 30


@pytest.mark.skipif(
    "tones" not in shipped_samples.sample_names(), reason="the sample tones is not installed"
)
def test_the_preset_of_age_cgan_has_groups_and_six_levels():
    data = open_dataset(resolve("age_cgan"))
    assert data.attributes.categories == 6
    assert data.groups("test") is not None
