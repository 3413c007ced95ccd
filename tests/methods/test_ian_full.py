"""The full network of IAN and its updates, against IAN.py, train_IAN.py and NPE.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.methods.tiny import count_passes, tiny_ian
from tf_translate.editing.mask_blend import blend
from tf_translate.experiment.configure import resolve
from tf_translate.layers.portable_relu import with_portable_relus
from tf_translate.methods import ian
from tf_translate.methods.ian import IAN, IANSettings
from tf_translate.networks import introspective

SHAPE = (16, 16, 3)
NETWORKS = ("trunk", "encoder_head", "discriminator_head", "decoder")
FULL = {"network": "full", "discriminator": "ternary"}


def _images(count=4, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *SHAPE)).astype(np.float32)


def _values(network):
    return [np.array(variable) for variable in network.trainable_variables]


def _vary(*networks):
    """Lets outputs depend on inputs as after training."""
    random = np.random.default_rng(1)
    for network in networks:
        for weight in network.trainable_weights:
            if "kernel" in weight.path:
                weight.assign(6.0 * weight)
            elif "beta" in weight.path:
                weight.assign(random.uniform(-1, 1, weight.shape))


def _count(network):
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


# --- networks -----------------------------------------------------------------------------------


def test_the_full_network_has_as_many_parameters_as_ian_py():
    model = IAN.from_settings(IANSettings(**FULL), (64, 64, 3))

    def norm(channels):
        return 2 * channels

    def multiscale(inputs, filters, scales):
        return 9 * inputs * filters + (1 + scales) * filters

    def block(channels, scales):  # bnorm0, W, bnorm1, W2, bnorm2
        return 3 * norm(channels) + 2 * multiscale(channels, channels, scales)

    decoder = 100 * 512 * 16 + 512 * 16  # l_dec_fc2, with its bias
    decoder += 25 * 512 * 512 + norm(512) + block(512, 2)  # dec_conv1, dec_conv2a at 8 pixels
    decoder += 25 * 512 * 256 + norm(256) + block(256, 3)  # dec_conv2, dec_conv3a
    decoder += 25 * 256 * 128 + norm(128) + block(128, 3)  # dec_conv3, dec_conv4a
    decoder += 25 * 128 * 128 + norm(128)  # dec_conv4
    decoder += 3 * multiscale(128, 2, 3)  # R, G_a, B_a
    decoder += multiscale(2, 2, 3) + multiscale(4, 2, 3)  # G_b of R, B_b of R and G
    trunk = 25 * (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) + 128 + norm(256 + 512 + 1024)
    encoder_head = 16 * 1024 * 1000 + norm(1000) + 2 * (1000 * 100 + norm(100))
    discriminator_head = 1024 * 500 * 5 + 500 * 5 + 500 + (1024 + 500) * 3
    expected = {
        "trunk": trunk, "encoder_head": encoder_head, "discriminator_head": discriminator_head,
        "decoder": decoder, "latent_flow": 0,
    }  # fmt: skip
    assert {name: _count(getattr(model, name)) for name in model.network_names} == expected
    assert decoder == 18_100_372
    assert model.encoder_head.layers[4].activation is keras.activations.relu
    total = model.discriminator_head.layers[-1].kernel.numpy()
    assert total.std() == pytest.approx(0.02, rel=0.05)  # of 4,572 weights
    assert {layer.epsilon for layer in model.decoder.layers if hasattr(layer, "epsilon")} == {1e-4}
    # Two MADEs of three masked kernels (their biases stay 0), and the order of the latent.
    assert model.latent_flow.count_params() == 2 * 3 * 100 * 100 + 100
    shapes = [layer.output.shape[1:] for layer in model.decoder.layers if "dilated" in layer.name]
    assert shapes == [
        *[(8, 8, 512)] * 2, *[(16, 16, 256)] * 2, *[(32, 32, 128)] * 2, *[(64, 64, 2)] * 5,
    ]  # fmt: skip
    scales = [layer.scales for layer in model.decoder.layers if "dilated" in layer.name]
    assert scales == [*[[0, 2]] * 2, *[[0, 2, 3]] * 4, *[[2, 3, 4]] * 5]


def test_each_colour_depends_on_the_parameters_of_those_before_it():
    decoder = introspective.multiscale_decoder(SHAPE, 5, base_filters=4)
    latent = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    before = decoder(latent, training=False).numpy()
    colours = [layer for layer in decoder.layers if "dilated" in layer.name][-5:]
    found = []
    for layer in colours:
        start = layer.kernel.numpy()
        layer.kernel.assign(start + 1.0)
        changed = np.abs(decoder(latent, training=False).numpy() - before).max((0, 1, 2)) > 1e-7
        found.append("".join(np.array(list("rgb"))[changed]))
        layer.kernel.assign(start)
    assert found == ["rgb", "gb", "gb", "b", "b"]  # R, G of features, G of R, B, B of R and G
    assert np.abs(before).max() <= 1.0


@pytest.mark.parametrize("channels", [1, 2])
def test_images_of_other_sizes_and_channels_have_a_decoder(channels):
    decoder = introspective.multiscale_decoder((8, 8, channels), 5, base_filters=2)
    assert decoder.output_shape == (None, 8, 8, channels)


def test_the_decoder_with_portable_relus_has_the_same_values_and_gradients():
    decoder = introspective.multiscale_decoder(SHAPE, 5, base_filters=4)
    _vary(decoder)
    latent = tf.constant(np.random.default_rng(0).normal(size=(2, 5)), tf.float32)
    found = []
    for network in (decoder, with_portable_relus(decoder)):
        with tf.GradientTape() as tape:
            tape.watch(latent)
            images = network(latent, training=False)
            total = tf.reduce_sum(images * _images(2))
        found.append((images.numpy(), tape.gradient(total, latent).numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-5)
    assert np.abs(found[0][1]).max() > 1e-3


# --- updates ------------------------------------------------------------------------------------


def _cross_entropy(logits, label):
    return -tf.reduce_mean(tf.nn.log_softmax(logits)[:, label])


def _losses_of_generator(model, image, features, latents):
    """Losses of train_IAN.py for decoder and encoder head; KL is that of the encoder alone."""
    mean, log_sigma = model.encoder_head(features[-1], training=True)
    latent = model.latent_flow(mean + tf.exp(log_sigma) * latents[0])
    reconstructed = model.decoder(latent, training=True)
    sampled = model.decoder(model.latent_flow(latents[1]), training=True)
    others = model.trunk(reconstructed, training=True)
    of_samples = model.trunk(sampled, training=True)
    differences = [tf.reduce_mean((a - b) ** 2) for a, b in zip(others, features, strict=True)]
    loss = 3.0 * 2.0 * tf.reduce_mean(tf.abs(reconstructed - image)) + sum(differences) / len(
        others
    )
    loss += _cross_entropy(model.discriminator_head(others[-1], training=True), 0)
    loss += _cross_entropy(model.discriminator_head(of_samples[-1], training=True), 0)
    kl = -0.5 * tf.reduce_mean(1 + 2 * log_sigma - mean**2 - tf.exp(2 * log_sigma))
    l2 = sum(tf.reduce_sum(v.value**2) for v in model.encoder_head.trainable_variables)
    return loss, kl + 1e-5 * l2, reconstructed


def _loss_of_discriminator(model, image, reconstructed, sampled):
    loss = 0.0
    for label, images in enumerate((image, tf.stop_gradient(reconstructed), sampled)):
        features = model.trunk(images, training=True)
        loss += _cross_entropy(model.discriminator_head(features[-1], training=True), label)
    return loss


def _orthogonal(variables):
    total = 0.0
    for kernel in variables:
        if len(kernel.shape) == 4:
            for one in tf.unstack(kernel.value, axis=3):  # (rows, columns, channels)
                products = tf.einsum("rkc,skc->rs", one, one)
                total += tf.reduce_sum(tf.abs(products - tf.eye(kernel.shape[0])))
    return 1e-3 * total


def _reference_step(model, images, rate):
    """Two iterations of train_IAN.py: generator and encoder, then discriminator and encoder."""
    decoder, head = model.decoder.trainable_variables, model.encoder_head.trainable_variables
    variables_of_d = model.trunk.trainable_variables + model.discriminator_head.trainable_variables
    for iteration, image in enumerate((images[0::2], images[1::2])):
        streams = (ian._ENCODED_LATENT, ian._PRIOR_LATENT)
        latents = [model._standard_normal({"image": image}, each) for each in streams]
        own = model._standard_normal({"image": image}, ian._DISCRIMINATOR_LATENT)
        with tf.GradientTape(persistent=True) as tape:
            features = model.trunk(image, training=True)
            # The trunk's features of the image are constants for decoder and encoder head.
            loss, of_encoder, reconstructed = _losses_of_generator(
                model, image, [tf.stop_gradient(each) for each in features], latents
            )
            total = loss + of_encoder
            loss += _orthogonal(decoder)
            sampled = model.decoder(model.latent_flow(own), training=True)
            d_loss = _loss_of_discriminator(model, image, reconstructed, sampled)
            d_loss += _orthogonal(variables_of_d)
        parts = [(head, tape.gradient(total, [v.value for v in head]))]
        if iteration == 0:
            parts.append((decoder, tape.gradient(loss, [v.value for v in decoder])))
        else:
            parts.append((variables_of_d, tape.gradient(d_loss, [v.value for v in variables_of_d])))
        for variables, gradients in parts:
            for variable, gradient in zip(variables, gradients, strict=True):
                variable.assign_sub(rate * gradient)


@pytest.mark.slow
def test_an_alternating_step_makes_the_updates_of_two_iterations_of_the_code():
    images, results = tf.constant(_images(8)), []
    for step in (
        lambda model: model.train_step({"image": images}),
        lambda model: _reference_step(model, images, 0.01),
    ):
        keras.utils.set_random_seed(2)
        model = tiny_ian({"orthogonal": 1e-3}, updates="alternate", **FULL)
        model.compile(
            {player.name: keras.optimizers.SGD(0.01) for player in model.players}, run_eagerly=True
        )
        start = {name: _values(getattr(model, name)) for name in NETWORKS}
        step(model)
        results.append({name: _values(getattr(model, name)) for name in NETWORKS})
    for name in NETWORKS:
        pairs = zip(start[name], *(each[name] for each in results), strict=True)
        for before, found, expected in pairs:
            assert np.abs(expected - before).max() > 0
            # Rounding of gradients that a batch norm cancels: a thousandth of the update.
            np.testing.assert_allclose(found, expected, atol=2e-6, rtol=1e-5)


@pytest.mark.slow
def test_an_alternating_step_runs_the_networks_no_more_often_than_it_needs(monkeypatch):
    model = tiny_ian(updates="alternate", **FULL)
    calls = count_passes(model, monkeypatch)
    model.train_step({"image": tf.constant(_images(4))})
    # First half: the decoder on z for the encoder head, and in its own turn on z and on noise; the
    # trunk on real images, on the reconstruction for each of both, and on samples. Second half:
    # the decoder on z and on noise; the trunk on real images, on the reconstruction for the encoder
    # head, and on both fakes for the discriminator.
    assert calls == {"encoder_head": 2, "decoder": 5, "trunk": 8, "discriminator_head": 7}


@pytest.mark.parametrize(
    ("discriminator", "updated"),
    [("binary", {"decoder"}), ("ternary", {"decoder", "encoder_head"})],
)
@pytest.mark.parametrize("updates", ["together", "alternate"])
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_the_adversarial_term_trains_the_encoder_head_of_the_ternary_loss_alone(
    discriminator, updated, updates
):
    weights = {term.name: float(term.name == "adversarial") for term in IAN.terms}
    model = tiny_ian(weights, discriminator=discriminator, updates=updates)
    before = {name: _values(getattr(model, name)) for name in NETWORKS}
    model.train_step({"image": tf.constant(_images(4))})
    found = {
        name
        for name in NETWORKS
        if any(map(lambda a, b: (a != b).any(), before[name], _values(getattr(model, name))))
    }
    assert found == updated


def test_the_paper_preset_has_the_numbers_of_ian_py():
    config = resolve("ian_paper", [])
    batches = 162_770 // (16 * 64) * 64  # an epoch has whole blocks of 64 batches of 16
    training = config.training
    assert training.steps * 2 == 80 * batches  # each batch updates decoder or discriminator
    assert [f * 80 for f in training.lr_boundaries] == [25, 50, 75]
    rate = IANSettings(**config.model).optimizer.learning_rate
    assert [rate * f for f in training.lr_factors] == pytest.approx([1e-4, 5e-5, 1e-5])
    assert (rate, training.batch_size, config.loss_weights["orthogonal"]) == (2e-4, 16, 1e-3)
    simple = resolve("ian_simple", []).model
    assert (simple["network"], simple["discriminator"]) == ("simple", "binary")


# --- deployment ---------------------------------------------------------------------------------


def test_the_latent_of_encode_is_before_the_flow_and_that_of_an_edit_behind_it(monkeypatch):
    monkeypatch.setattr(ian, "_RELU_GRADIENT_WIDTH", 0.0)
    model, image = tiny_ian(edit_steps=1, edit_learning_rate=200.0, **FULL), _images(2)
    _vary(model.encoder_head, model.decoder)
    signatures = model.signatures()
    latent = signatures["encode"].function(image=image)["latent"]
    features = model.trunk(image, training=False)[-1]
    np.testing.assert_allclose(latent, model.encoder_head(features, training=False)[0], atol=1e-6)
    behind = model.latent_flow(latent)
    assert np.abs(behind - latent).max() > 0.01
    decoded = model.decoder(behind, training=False)
    np.testing.assert_allclose(signatures["decode"].function(latent=latent)["image"], decoded)
    np.testing.assert_allclose(model(image), decoded, atol=1e-6)
    target = np.ones_like(image)
    mask = np.zeros((2, 16, 16, 1), np.float32)
    mask[:, 4:8, 4:8] = 1.0  # width 4: the rate is 200 * (1 + 4)
    with tf.GradientTape() as tape:
        tape.watch(behind)
        squared = (model.decoder(behind, training=False) - target) ** 2
        total = tf.reduce_sum(tf.reduce_mean(squared[:, 4:8, 4:8], [1, 2, 3]))
    moved = behind - 1000.0 * tape.gradient(total, behind)
    expected = blend(image, decoded, model.decoder(moved, training=False))
    edited = signatures["edit"].function(image=image, target=target, mask=mask)["image"]
    np.testing.assert_allclose(edited, expected, atol=1e-5)
    assert np.abs(edited - image).max() > 1e-4


def test_a_model_saved_before_there_were_two_networks_is_read_as_the_simple_one():
    config = tiny_ian().get_config()
    assert config.pop("latent_flow") is None
    for name in ("network", "updates", "orthogonal_form"):
        del config["settings"][name]
    model = IAN.from_config(config)
    assert (model.settings.network, model.settings.updates) == ("simple", "together")
    assert "latent_flow" not in model.network_names


def test_a_flow_of_another_latent_is_refused():
    model = tiny_ian(**FULL)
    networks = [getattr(model, name) for name in NETWORKS]
    with pytest.raises(
        ValueError, match=r"`latent_flow` must map a latent of 5, .* sizes \[6, 6\]"
    ):
        IAN(*networks, introspective.latent_flow(6))
