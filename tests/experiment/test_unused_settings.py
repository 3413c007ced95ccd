"""Settings that change nothing are named: on the command line and in Python."""

import pytest

from tf_translate.config.load import presets
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.from_preset import from_preset
from tf_translate.experiment.unused_settings import unused_settings


@pytest.mark.parametrize("preset", presets())
def test_every_preset_uses_all_of_its_settings(preset):
    config = resolve(preset)
    assert unused_settings(config) == []
    assert config.data.without_effect() == ()


@pytest.mark.parametrize(
    ("preset", "setting", "sentence"),
    [
        (
            "cyclegan",
            "model.residual_blocks=6",
            "model.residual_blocks = 6 has no effect with model.generator = 'unet'; "
            "set model.generator = 'resnet' to use it",
        ),
        (
            "fader",
            "loss_weights.classifier=5",
            "loss_weights.classifier = 5 has no effect: there is no classifier without "
            "attribute_classification",
        ),
        (
            "cyclegan",
            "training.lr_boundaries=[0.5]",
            "training.lr_boundaries = [0.5] has no effect with training.lr_schedule = 'linear'; "
            "set training.lr_schedule = 'piecewise' to use it",
        ),
        (
            "fader",
            "data.direction=b_to_a",
            "data.direction = 'b_to_a' has no effect on fader, which learns from one set with "
            "attributes; leave it out",
        ),
        (
            "ian",
            "evaluation.attribute_images=10",
            "evaluation.attribute_images = 10 has no effect without evaluation.attributes; "
            "leave it out",
        ),
    ],
)
def test_a_setting_without_effect_is_named_with_what_would_use_it(preset, setting, sentence):
    assert unused_settings(resolve(preset, [setting])) == [sentence]


def test_values_of_a_preset_are_not_the_users():
    assert unused_settings(resolve("pix2pix_small", ["model.generator=resnet"])) == []


def test_in_python_it_is_a_warning():
    with pytest.warns(UserWarning, match=r"model\.clip = 0\.5 has no effect with"):
        from_preset(
            "genegan_small",
            {"model.clip": 0.5, "model.gan_mode": "wgan_gp", "data.size": (32, 32)},
        )
