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
def shown(monkeypatch):
    """Columns of the image by title, in order."""
    columns = {}

    def grid(images, *, titles, scale):
        columns.update(zip(titles, images, strict=True))

    monkeypatch.setattr(preview_images, "grid", grid)
    return columns


def _batch(count, *shape):
    random = np.random.default_rng(0)
    return {
        side: random.uniform(-1, 1, (count + i, *shape)).astype(np.float32)
        for i, side in enumerate("ab")
    }


def test_pairs_are_shown_with_translation_and_truth(shown):
    batch = _batch(2, 1, 1, 1)
    preview_images.sample_grid(Toy(scale(3.0, "g"), scale(5.0, "c")), batch)
    assert list(shown) == ["a", "a to b", "truth"]
    np.testing.assert_allclose(shown["a to b"], 3 * batch["a"], rtol=1e-6)
    np.testing.assert_array_equal(shown["truth"], batch["b"][:2])  # one b more than a


def test_exchanged_objects_are_shown_beside_both_parents(shown):
    settings = GeneGANSettings(base_filters=2, discriminator_filters=2)
    model = GeneGAN.from_settings(settings, (16, 16, 3), (16, 16, 3))
    batch = _batch(2, 16, 16, 3)
    preview_images.sample_grid(model, batch)
    assert list(shown) == ["b", "a", "swap: image", "swap: exemplar", "remove", "add"]
    np.testing.assert_array_equal(shown["a"], batch["a"])
    np.testing.assert_allclose(shown["remove"], model(batch["a"]), atol=1e-6)


def test_while_no_encoder_has_learnt_attributes_are_shown_on_images_out_of_noise(shown):
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
    preview_images.sample_grid(model, batch)
    switched = ["as it is", "other glasses", "hair=black", "hair=blond", "hair=grey"]
    assert list(shown) == switched
    np.testing.assert_array_equal(shown["as it is"][:1], shown["hair=black"][:1])
    assert np.abs(shown["as it is"] - shown["other glasses"]).max() > 0
    shown.clear()
    model.enter_stage("encoder_z")
    preview_images.sample_grid(model, batch)
    assert list(shown) == ["image", *switched]
    np.testing.assert_array_equal(shown["image"], batch["image"])


def test_the_image_is_drawn_for_any_method():
    settings = GeneGANSettings(base_filters=2, discriminator_filters=2)
    model = GeneGAN.from_settings(settings, (16, 16, 3), (16, 16, 3))
    image, _ = preview_images.sample_grid(model, _batch(2, 16, 16, 3))
    assert image.dtype == np.uint8
    assert image.shape[2] == 3


def test_one_set_is_shown_reconstructed_and_edited_without_its_latents(shown):
    tiny = {"base_filters": 2, "decoder_filters": 2, "latent": 2, "latent_width": 2, "kernels": 1}
    model = IAN.from_settings(IANSettings(**tiny, edit_steps=1), (8, 8, 3))
    batch = {"image": _batch(2, 8, 8, 3)["a"]}
    preview_images.sample_grid(model, batch)
    assert list(shown) == ["image", "reconstruct", "edit"]
    np.testing.assert_allclose(shown["reconstruct"], model(batch["image"]), atol=1e-6)


def test_the_generator_that_learns_ahead_of_encoders_is_looked_at_for_signs():
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
    assert preview_images.sample_grid(model, batch)[1] == []
    model.enter_stage("gan")
    assert [each.title for each in preview_images.sample_grid(model, batch)[1]] == [
        "images out of noise"
    ]


def test_nothing_is_looked_at_for_signs_before_a_network_that_draws_learns():
    settings = DTNSettings(base_filters=2, code=4, decoder_filters=2, discriminator_filters=2)
    model = DTN.from_settings(settings, (32, 32, 3), (32, 32, 1))
    a, b = _batch(2, 32, 32, 3)["a"], _batch(2, 32, 32, 1)["b"]
    assert model.stage == "features"
    assert preview_images.sample_grid(model, {"a": a, "b": b})[1] == []
    model.enter_stage("transfer")
    assert [each.title for each in preview_images.sample_grid(model, {"a": a, "b": b})[1]] == [
        "a to b"
    ]
