"""Task files of experiments are the shipped tasks but for what the experiment changes."""

from pathlib import Path

from tf_translate.config.task import load_task

FOLDER = Path(__file__).parents[3] / "scripts" / "ablations"


def test_digits_with_many_images_differ_from_digits_in_their_data_alone():
    _, own = load_task(str(FOLDER / "digits_many_images.toml"))
    _, shipped = load_task("digits")
    assert set(own.methods) == set(shipped.methods) - {"dtn_lite0"}
    assert own.minutes == shipped.minutes
    for name in own.methods:
        expected, settings = shipped.settings_of(name), own.settings_of(name)
        assert expected.pop("data.path") == "samples:street_to_mnist"
        assert settings.pop("data.path").endswith("street_to_mnist.csv")
        assert settings == expected


def test_dtn_on_emoji_differs_from_unpaired_in_learning_rate_and_noise_alone():
    _, own = load_task(str(FOLDER / "unpaired_dtn.toml"))
    _, shipped = load_task("unpaired")
    rate = {"model.optimizer": {"learning_rate": 2e-4}}
    noise = {"model.discriminator_noise": 0.2}
    expected = shipped.settings_of("dtn") | rate
    assert own.minutes == shipped.minutes
    assert own.settings_of("dtn_slower") == expected
    assert own.settings_of("dtn_slower_noise") == expected | noise
