"""Facts of IAN and its published code, and which loss trains which network."""

import numpy as np
import pytest
import tensorflow as tf

from tests.marks import slow_but
from tests.methods.tiny import count_passes, tiny_ian
from tf_translate.methods.ian import IAN, IANSettings

SHAPE = (16, 16, 3)
NETWORKS = ("trunk", "encoder_head", "discriminator_head", "decoder")


def _images(count=4, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def _batch(count=4, seed=0):
    return {"image": tf.constant(_images(count, seed))}


def _shared(model, batch):
    real = model.real_features(batch)
    return real | model.reconstruct_batch(batch, real)


def _values(model):
    return {
        name: [np.array(v) for v in getattr(model, name).trainable_variables] for name in NETWORKS
    }


def _updated(before, model):
    """The networks with a changed weight."""
    after = _values(model)
    return {
        name
        for name in NETWORKS
        if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }


def _only(*terms):
    """Weights that switch all other terms off."""
    return {term.name: 0.0 for term in IAN.terms if term.name not in terms}


# --- facts of the paper and its code -----------------------------------------------------------


def test_loss_weights_are_those_of_the_code():
    assert {term.name: term.weight for term in IAN.terms} == {
        "pixel": 3.0, "feature": 1.0, "adversarial": 1.0, "discriminator": 1.0, "r1": 0.0,
        "kl": 1.0, "l2": 1e-5, "orthogonal": 0.0,
    }  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("discriminator", slow_but(["binary", "ternary"], "binary"))
def test_networks_have_as_many_parameters_as_those_of_the_code(discriminator):
    model = IAN.from_settings(IANSettings(discriminator=discriminator), (64, 64, 3))
    counts = {
        name: sum(int(np.prod(v.shape)) for v in getattr(model, name).trainable_variables)
        for name in model.network_names
    }
    # 5x5 kernels; the first has a bias, the others scale and offset of a norm.
    trunk = 25 * (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) + 128 + 2 * (256 + 512 + 1024)
    head = 16 * 1024 * 1000 + 2 * 1000 + 2 * (1000 * 100 + 2 * 100)
    logits = {"binary": 1, "ternary": 3}[discriminator]
    head_of_d = 1024 * 500 * 5 + 500 * 5 + 500 + (1024 + 500) * logits
    decoder = 100 * 16384 + 2 * 16384 + 2 * (512 + 256 + 128)
    decoder += 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert counts == {
        "trunk": trunk, "encoder_head": head, "discriminator_head": head_of_d, "decoder": decoder,
    }  # fmt: skip
    assert (trunk, head, decoder) == (17_216_512, 16_586_400, 18_885_760)
    kernel = model.discriminator_head.layers[-1].kernel.numpy()
    assert kernel.std() == pytest.approx(0.01, rel=0.06)  # of at least 1,524 weights
    assert [part[1:] for part in model.trunk.output_shape] == [
        (32, 32, 128), (16, 16, 256), (8, 8, 512), (4, 4, 1024),
    ]  # fmt: skip


def test_optimizers_are_those_of_the_code():
    for optimizer in tiny_ian().player_optimizers.values():
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)


# --- the equations -----------------------------------------------------------------------------


@pytest.mark.parametrize("discriminator", ["binary", "ternary"])
def test_objectives_equal_the_equations_of_the_code_in_numpy(discriminator):
    model, batch = tiny_ian(discriminator=discriminator), _batch()
    shared = _shared(model, batch)
    losses = model.autoencoder_objective(batch, shared)
    image, fake = batch["image"].numpy(), shared["reconstructed"].numpy()
    assert float(losses["pixel"]) == pytest.approx(2 * np.abs(fake - image).mean(), rel=1e-5)
    features = model.trunk(fake, training=True)
    layers = [
        ((a - b) ** 2).numpy().mean() for a, b in zip(features, shared["features"], strict=True)
    ]
    assert float(losses["feature"]) == pytest.approx(np.mean(layers), rel=1e-4)
    mean, log_sigma = shared["mean"].numpy(), shared["log_sigma"].numpy()
    expected = -0.5 * (1 + 2 * log_sigma - mean**2 - np.exp(2 * log_sigma)).mean()
    assert float(losses["kl"]) == pytest.approx(expected, rel=1e-5)
    scores = [
        model.discriminator_head(model.trunk(images, training=True)[-1], training=True).numpy()
        for images in (image, fake, shared["sampled"])
    ]
    adversarial, expected = _gan_loss(discriminator, *scores)
    assert float(losses["adversarial"]) == pytest.approx(adversarial, rel=1e-4)
    of_discriminator = model.discriminator_objective(batch, shared)
    assert float(of_discriminator["discriminator"]) == pytest.approx(expected, rel=1e-4)
    squares = sum((v.numpy() ** 2).sum() for v in model.variables_of(model.players[1]))
    assert float(of_discriminator["l2"]) == pytest.approx(squares, rel=1e-5)


@pytest.mark.parametrize("form", ["rows", "filters"])
@pytest.mark.parametrize("updates", ["together", "alternate"])
def test_orthogonality_takes_the_place_of_l2_except_on_the_encoder_head(form, updates):
    model = tiny_ian({"orthogonal": 1e-3}, orthogonal_form=form, updates=updates)
    found = {player.name: model._weight_regularization(player.name) for player in model.players}
    squares = sum((v.numpy() ** 2).sum() for v in model.encoder_head.trainable_variables)
    encoding = "autoencoder" if updates == "together" else "encoder"
    assert float(found[encoding]["l2"]) == pytest.approx(squares, rel=1e-5)
    kernels = [v.numpy() for v in model.trunk.trainable_variables if len(v.shape) == 4]
    assert float(found["discriminator"].pop("orthogonal")) == pytest.approx(
        sum(_orthogonality(kernel, form) for kernel in kernels), rel=1e-5
    )
    assert found["discriminator"] == {}
    assert all(("l2" in terms) == (name == encoding) for name, terms in found.items())
    assert "orthogonal" in found["autoencoder" if updates == "together" else "decoder"]


def _orthogonality(kernel, form):
    """The sum of |W W^T - I|, over all filters or over the rows inside each."""
    matrices = [kernel.reshape(-1, kernel.shape[-1]).T]
    if form == "rows":
        matrices = [one.reshape(len(one), -1) for one in kernel.transpose(3, 0, 1, 2)]
    return sum(np.abs(w @ w.T - np.eye(len(w))).sum() for w in matrices)


def _gan_loss(discriminator, real, reconstructed, sampled):
    """The adversarial loss of the decoder, and the discriminator's loss."""
    if discriminator == "binary":

        def binary(logits, target):
            probability = 1 / (1 + np.exp(-logits))
            return -np.log(probability if target else 1 - probability).mean()

        fakes = (reconstructed, sampled)
        of_decoder = sum(binary(one, True) for one in fakes)
        return of_decoder, binary(real, True) + sum(binary(one, False) for one in fakes)

    def ternary(logits, label):
        return -np.log(np.exp(logits[:, label]) / np.exp(logits).sum(1)).mean()

    of_discriminator = ternary(real, 0) + ternary(reconstructed, 1) + ternary(sampled, 2)
    return ternary(reconstructed, 0) + ternary(sampled, 0), of_discriminator


def test_z_is_mu_plus_sigma_times_noise_and_samples_have_different_noise():
    model, batch = tiny_ian(), _batch()
    model.encoder_head = lambda features, training: [
        tf.fill([4, 5], 2.0), tf.fill([4, 5], np.float32(np.log(0.5)))
    ]  # fmt: skip
    latents = []
    model.decoder = lambda latent, training: latents.append(latent.numpy()) or latent
    _shared(model, batch)
    noise, prior = (latents[0] - 2.0) / 0.5, latents[1]
    assert noise.shape == prior.shape == (4, 5)
    assert not np.allclose(noise, prior)
    np.testing.assert_allclose(noise, model._standard_normal(batch, 0), atol=1e-5)
    np.testing.assert_allclose(prior, model._standard_normal(batch, 1), atol=1e-5)


# --- which loss trains which network ------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "updated"),
    [
        ("discriminator", {"trunk", "discriminator_head"}),
        ("pixel", {"encoder_head", "decoder"}),
        ("feature", {"encoder_head", "decoder"}),
        ("adversarial", {"decoder"}),
        ("kl", {"encoder_head"}),
        ("r1", {"trunk", "discriminator_head"}),
        ("l2", set(NETWORKS)),
        ("orthogonal", {"trunk", "decoder"}),
    ],
)
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_each_loss_term_trains_its_networks_and_no_others(term, updated):
    model = tiny_ian({**_only(term), term: 1.0})
    before = _values(model)
    model.train_step(_batch())
    assert _updated(before, model) == updated


def test_no_network_runs_twice_on_the_same_inputs(monkeypatch):
    model = tiny_ian()
    calls = count_passes(model, monkeypatch)
    model.train_step(_batch())
    # The decoder on z and on noise. The trunk on real images, once for the discriminator and for
    # z; on reconstructions and samples in the decoder's turn, and in the discriminator's.
    assert calls == {"encoder_head": 1, "decoder": 2, "trunk": 5, "discriminator_head": 5}


# --- noise and R1 (ours, off by default) ---------------------------------------------------------


def test_a_reconstruction_has_the_noise_of_its_image_and_inference_has_none(
    monkeypatch,
):
    model, batch = tiny_ian(discriminator_noise=0.2), _batch(64)
    inputs, plain = [], model.trunk.call

    def recording(images, **kwargs):
        inputs.append(np.asarray(images))
        return plain(images, **kwargs)

    monkeypatch.setattr(model.trunk, "call", recording)
    shared = _shared(model, batch)
    model.discriminator_objective(batch, shared)
    clean = (batch["image"], shared["reconstructed"], shared["sampled"])
    noises = [noisy - np.asarray(image) for noisy, image in zip(inputs, clean, strict=True)]
    for noise in noises:
        assert noise.std() == pytest.approx(0.2, rel=0.02)  # of 49,152 values
        assert abs(noise.mean()) < 0.005
    np.testing.assert_allclose(noises[0], noises[1], atol=1e-6)
    assert abs(np.corrcoef(noises[0].ravel(), noises[2].ravel())[0, 1]) < 0.03
    model.autoencoder_objective(batch, shared)
    np.testing.assert_array_equal(inputs[1:3], inputs[3:])  # both players use the same noise
    images = _images(2)
    model.signatures()["encode"].function(images)
    np.testing.assert_array_equal(inputs[-1], images)
    assert model.get_config()["settings"]["discriminator_noise"] == 0.2


@pytest.mark.slow
@pytest.mark.parametrize("discriminator", ["binary", "ternary"])
def test_r1_is_half_the_squared_gradient_of_the_real_log_odds_by_finite_differences(discriminator):
    model = tiny_ian({"r1": 2.0}, discriminator=discriminator)
    image, width, squared = _images(2), 1e-2, 0.0
    penalty = model.real_features({"image": tf.constant(image)})["r1"]

    @tf.function
    def logits(images):
        return model.discriminator_head(model.trunk(images, training=True)[-1], training=True)

    def real_log_odds(images):
        scores = logits(tf.constant(images)).numpy()
        probabilities = 1 / (1 + np.exp(-scores))
        if discriminator == "ternary":
            probabilities = (np.exp(scores) / np.exp(scores).sum(1, keepdims=True))[:, :1]
        return np.log(probabilities / (1 - probabilities)).sum()

    for index in np.ndindex(image.shape):
        step = np.zeros_like(image)
        step[index] = width
        squared += ((real_log_odds(image + step) - real_log_odds(image - step)) / (2 * width)) ** 2
    assert float(penalty) == pytest.approx(0.5 * squared / 2, rel=0.05)


def test_r1_needs_no_second_forward_pass_of_real_images(monkeypatch):
    model = tiny_ian({"r1": 2.0})
    calls = count_passes(model, monkeypatch)
    logged = model.train_step(_batch())
    assert calls == {"encoder_head": 1, "decoder": 2, "trunk": 5, "discriminator_head": 5}
    assert float(logged["regularization/r1"]) > 0


# --- deployment ---------------------------------------------------------------------------


def test_encode_and_decode_together_equal_reconstruct_and_latents_are_means():
    model, image = tiny_ian(), _images(2)
    signatures = model.signatures()
    latent = signatures["encode"].function(image=image)["latent"]
    features = model.trunk(image, training=False)[-1]
    np.testing.assert_allclose(latent, model.encoder_head(features, training=False)[0], atol=1e-6)
    halves = signatures["decode"].function(latent=latent)["image"]
    np.testing.assert_allclose(model(image), halves, atol=1e-6)
    inference_behavior = signatures["edit"].inference_behavior
    assert inference_behavior["edit"] == (
        "3 gradient steps on the latent, learning rate 0.05, gradients of ReLUs smoothed over 0.5"
    )
    assert inference_behavior["mask_blend"] == "on"


# --- errors ----------------------------------------------------------------------------------


def test_networks_that_do_not_fit_each_other_are_refused():
    model, other = tiny_ian(), tiny_ian(latent=6, base_filters=2)
    with pytest.raises(ValueError, match="both heads must take the trunk's last activations"):
        IAN(other.trunk, model.encoder_head, model.discriminator_head, model.decoder)
    with pytest.raises(ValueError, match="must return mean and log_sigma of a latent of 6,"):
        IAN(model.trunk, model.encoder_head, model.discriminator_head, other.decoder)
    large = tiny_ian(shape=(32, 32, 3))
    with pytest.raises(ValueError, match="`decoder` must return the images that the trunk takes"):
        IAN(model.trunk, model.encoder_head, model.discriminator_head, large.decoder)
    with pytest.raises(ValueError, match="must be square with a side of 8, 16"):
        tiny_ian(shape=(24, 24, 3))
