import numpy as np
import pytest

from tests.core.toy import Toy, scale
from tf_translate.methods.age_cgan import AgeCGAN, AgeCGANSettings
from tf_translate.methods.dtn import DTN, DTNSettings
from tf_translate.methods.genegan import GeneGAN, GeneGANSettings
from tf_translate.methods.ian import IAN, IANSettings
from tf_translate.methods.icgan import IcGAN, IcGANSettings
from tf_translate.training import preview_images


@pytest.fixture
def columns(monkeypatch):
    """The columns of the grid by title, in order."""
    columns_by_title = {}

    def grid(images, *, titles, scale):
        columns_by_title.update(zip(titles, images, strict=True))

    monkeypatch.setattr(preview_images, "grid", grid)
    return columns_by_title


def _batch(count, *shape):
    random = np.random.default_rng(0)
    return {
        side: random.uniform(-1, 1, (count + i, *shape)).astype(np.float32)
        for i, side in enumerate("ab")
    }


def test_the_preview_of_pairs_shows_input_translation_and_truth(columns):
    batch = _batch(2, 1, 1, 1)
    preview_images.preview_grid(Toy(scale(3.0, "g"), scale(5.0, "c")), batch)
    assert list(columns) == ["a", "a to b", "truth"]
    np.testing.assert_allclose(columns["a to b"], 3 * batch["a"], rtol=1e-6)
    np.testing.assert_array_equal(columns["truth"], batch["b"][:2])  # one b more than a


def test_the_preview_of_genegan_shows_both_parents_and_exchanged_objects(columns):
    settings = GeneGANSettings(base_filters=2, discriminator_filters=2)
    model = GeneGAN.from_settings(settings, (16, 16, 3), (16, 16, 3))
    batch = _batch(2, 16, 16, 3)
    preview_images.preview_grid(model, batch)
    assert list(columns) == ["b", "a", "swap: image", "swap: exemplar", "remove", "add"]
    np.testing.assert_array_equal(columns["a"], batch["a"])
    np.testing.assert_allclose(columns["remove"], model(batch["a"]), atol=1e-6)


def test_before_an_encoder_is_trained_attributes_are_shown_on_images_from_noise(columns):
    tiny = {
        "latent": 2,
        "base_filters": 2,
        "discriminator_filters": 1,
        "encoder_filters": 1,
        "latent_width": 2,
    }
    model = IcGAN.from_settings(
        IcGANSettings(**tiny, attribute_width=2),
        (8, 8, 3),
        attributes={"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]},
    )
    values = np.array([[0, 1, 0, 0], [1, 0, 0, 1]], np.float32)
    batch = {"image": _batch(2, 8, 8, 3)["a"], "attributes": values}
    preview_images.preview_grid(model, batch)
    edits = ["unchanged", "other glasses", "hair=black", "hair=blond", "hair=grey"]
    assert list(columns) == edits
    np.testing.assert_array_equal(columns["unchanged"][:1], columns["hair=black"][:1])
    assert np.abs(columns["unchanged"] - columns["other glasses"]).max() > 0
    columns.clear()
    model.enter_stage("encoder_z")
    preview_images.preview_grid(model, batch)
    assert list(columns) == ["image", *edits]
    np.testing.assert_array_equal(columns["image"], batch["image"])


def test_the_preview_grid_is_a_uint8_image():
    settings = GeneGANSettings(base_filters=2, discriminator_filters=2)
    model = GeneGAN.from_settings(settings, (16, 16, 3), (16, 16, 3))
    image, _ = preview_images.preview_grid(model, _batch(2, 16, 16, 3))
    assert image.dtype == np.uint8
    assert image.shape[2] == 3


def test_the_preview_of_one_set_shows_reconstruction_and_edit_but_no_latents(columns):
    tiny = {"base_filters": 2, "decoder_filters": 2, "latent": 2, "latent_width": 2, "kernels": 1}
    model = IAN.from_settings(IANSettings(**tiny, edit_steps=1), (8, 8, 3))
    batch = {"image": _batch(2, 8, 8, 3)["a"]}
    preview_images.preview_grid(model, batch)
    assert list(columns) == ["image", "reconstruct", "edit"]
    np.testing.assert_allclose(columns["reconstruct"], model(batch["image"]), atol=1e-6)


def test_failure_checks_cover_a_generator_that_is_trained_before_its_encoders():
    batch = {"image": _batch(2, 16, 16, 3)["a"], "attributes": np.eye(3, dtype=np.float32)[:2]}
    tiny = {
        "latent": 2,
        "base_filters": 2,
        "discriminator_filters": 1,
        "encoder_filters": 1,
        "latent_width": 2,
    }
    settings = AgeCGANSettings(**tiny, identity_embedder_filters=2)
    model = AgeCGAN.from_settings(settings, (16, 16, 3), attributes={"tone": ["0", "1", "2"]})
    assert model.stage == "identity_embedder"
    assert preview_images.preview_grid(model, batch)[1] == []
    model.enter_stage("gan")
    assert [each.title for each in preview_images.preview_grid(model, batch)[1]] == [
        "images from noise"
    ]


def test_failure_checks_skip_stages_that_train_no_generator():
    settings = DTNSettings(base_filters=2, code=4, decoder_filters=2, discriminator_filters=2)
    model = DTN.from_settings(settings, (32, 32, 3), (32, 32, 1))
    a, b = _batch(2, 32, 32, 3)["a"], _batch(2, 32, 32, 1)["b"]
    assert model.stage == "feature_extractor"
    assert preview_images.preview_grid(model, {"a": a, "b": b})[1] == []
    model.enter_stage("transfer")
    assert [each.title for each in preview_images.preview_grid(model, {"a": a, "b": b})[1]] == [
        "a to b"
    ]
