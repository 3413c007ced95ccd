"""Facts of IAN and its published code, who learns what, and the photo editor."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

import exporters
from tests.methods.tiny import count_passes
from tf_translate.methods.ian import IAN, IANSettings

SHAPE = (16, 16, 3)
TINY = {
    "base": 4, "decoder_base": 4, "latent": 5, "latent_width": 8, "kernels": 3, "edit_steps": 3,
}  # fmt: skip
NETWORKS = ("trunk", "encoder_head", "critic_head", "decoder")


def _model(weights=None, shape=SHAPE, **settings):
    model = IAN.from_settings(IANSettings(**{**TINY, **settings}), shape, term_weights=weights)
    model.compile(run_eagerly=True)
    return model


def _images(count=4, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def _batch(count=4, seed=0):
    return {"image": tf.constant(_images(count, seed))}


def _shared(model, batch):
    seen = model.look_at_batch(batch)
    return seen | model.reconstruct_batch(batch, seen)


def _values(model):
    return {
        name: [np.array(v) for v in getattr(model, name).trainable_variables] for name in NETWORKS
    }


def _moved(before, model):
    """The networks of which some weight is another one."""
    after = _values(model)
    return {
        name
        for name in NETWORKS
        if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }


def _only(*terms):
    """Weights that switch all other terms off."""
    return {term.name: 0.0 for term in IAN.terms if term.name not in terms}


# --- the published facts -----------------------------------------------------------------------


def test_weights_are_the_codes():
    assert {term.name: term.weight for term in IAN.terms} == {
        "pixel": 3.0, "feature": 1.0, "adversarial": 1.0, "critic": 1.0, "slope": 0.0, "kl": 1.0,
        "l2": 1e-5, "orthogonal": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("critic", ["binary", "ternary"])
def test_networks_have_the_numbers_of_parameters_of_the_code(critic):
    model = IAN.from_settings(IANSettings(critic=critic), (64, 64, 3))
    counts = {
        name: sum(int(np.prod(v.shape)) for v in getattr(model, name).trainable_variables)
        for name in model.network_names
    }
    # 5x5 kernels; the first has a bias, the others scale and offset of a norm.
    trunk = 25 * (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) + 128 + 2 * (256 + 512 + 1024)
    head = 16 * 1024 * 1000 + 2 * 1000 + 2 * (1000 * 100 + 2 * 100)
    logits = {"binary": 1, "ternary": 3}[critic]
    verdict = 1024 * 500 * 5 + 500 * 5 + 500 + (1024 + 500) * logits
    decoder = 100 * 16384 + 2 * 16384 + 2 * (512 + 256 + 128)
    decoder += 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert counts == {
        "trunk": trunk, "encoder_head": head, "critic_head": verdict, "decoder": decoder,
    }  # fmt: skip
    assert (trunk, head, decoder) == (17_216_512, 16_586_400, 18_885_760)
    assert [part[1:] for part in model.trunk.output_shape] == [
        (32, 32, 128), (16, 16, 256), (8, 8, 512), (4, 4, 1024),
    ]  # fmt: skip


def test_optimizers_are_the_codes():
    for optimizer in _model().player_optimizers.values():
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)


# --- the equations -----------------------------------------------------------------------------


@pytest.mark.parametrize("critic", ["binary", "ternary"])
def test_the_objectives_are_the_codes_against_numpy(critic):
    model, batch = _model({"orthogonal": 1e-3}, critic=critic), _batch()
    shared = _shared(model, batch)
    losses = model.autoencoder_objective(batch, shared)
    image, fake = batch["image"].numpy(), shared["reconstructed"].numpy()
    assert float(losses["pixel"]) == pytest.approx(2 * np.abs(fake - image).mean(), rel=1e-5)
    seen = model.trunk(fake, training=True)
    layers = [((a - b) ** 2).numpy().mean() for a, b in zip(seen, shared["features"], strict=True)]
    assert float(losses["feature"]) == pytest.approx(np.mean(layers), rel=1e-4)
    mean, log_sigma = shared["mean"].numpy(), shared["log_sigma"].numpy()
    expected = -0.5 * (1 + 2 * log_sigma - mean**2 - np.exp(2 * log_sigma)).mean()
    assert float(losses["kl"]) == pytest.approx(expected, rel=1e-5)
    scores = [
        model.critic_head(model.trunk(images, training=True)[-1], training=True).numpy()
        for images in (image, fake, shared["sampled"])
    ]
    adversarial, verdict = _game(critic, *scores)
    assert float(losses["adversarial"]) == pytest.approx(adversarial, rel=1e-4)
    judged = model.critic_objective(batch, shared)
    assert float(judged["critic"]) == pytest.approx(verdict, rel=1e-4)
    squares = sum((v.numpy() ** 2).sum() for v in model.variables_of(model.players[1]))
    assert float(judged["l2"]) == pytest.approx(squares, rel=1e-5)
    kernels = [v.numpy() for v in model.trunk.trainable_variables if len(v.shape) == 4]
    flat = [kernel.reshape(-1, kernel.shape[-1]) for kernel in kernels]
    ortho = sum(np.abs(w.T @ w - np.eye(w.shape[1])).sum() for w in flat)
    assert float(judged["orthogonal"]) == pytest.approx(ortho, rel=1e-5)


def _game(critic, real, reconstructed, sampled):
    """What the decoder and the critic pay."""
    if critic == "binary":

        def cost(logits, called_real):
            share = 1 / (1 + np.exp(-logits))
            return -np.log(share if called_real else 1 - share).mean()

        fakes = (reconstructed, sampled)
        return sum(cost(one, True) for one in fakes), cost(real, True) + sum(
            cost(one, False) for one in fakes
        )

    def put(logits, label):
        return -np.log(np.exp(logits[:, label]) / np.exp(logits).sum(1)).mean()

    verdict = put(real, 0) + put(reconstructed, 1) + put(sampled, 2)
    return put(reconstructed, 0) + put(sampled, 0), verdict


def test_z_is_mu_plus_sigma_times_noise_and_samples_are_of_other_noise():
    model, batch = _model(), _batch()
    model.encoder_head = lambda features, training: [
        tf.fill([4, 5], 2.0), tf.fill([4, 5], np.float32(np.log(0.5)))
    ]  # fmt: skip
    drawn = []
    model.decoder = lambda latent, training: drawn.append(latent.numpy()) or latent
    _shared(model, batch)
    noise, prior = (drawn[0] - 2.0) / 0.5, drawn[1]
    assert noise.shape == prior.shape == (4, 5)
    assert not np.allclose(noise, prior)
    np.testing.assert_allclose(noise, model._noise(batch, 0), atol=1e-5)
    np.testing.assert_allclose(prior, model._noise(batch, 1), atol=1e-5)


# --- who learns what ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "moved"),
    [
        ("critic", {"trunk", "critic_head"}),
        ("pixel", {"encoder_head", "decoder"}),
        ("feature", {"encoder_head", "decoder"}),
        ("adversarial", {"decoder"}),
        ("kl", {"encoder_head"}),
        ("l2", set(NETWORKS)),
        ("orthogonal", {"trunk", "decoder"}),
    ],
)
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_each_term_moves_the_networks_it_should_and_no_others(term, moved):
    model = _model({**_only(term), term: 1.0})
    before = _values(model)
    model.train_step(_batch())
    assert _moved(before, model) == moved


def test_no_network_runs_for_the_same_thing_twice(monkeypatch):
    model = _model()
    calls = count_passes(model, monkeypatch)
    model.train_step(_batch())
    # The decoder on z and on noise. The trunk on real images, once for the critic and for z; on
    # reconstructions and samples for the decoder, and for the critic, whose weights learn then.
    assert calls == {"encoder_head": 1, "decoder": 2, "trunk": 5, "critic_head": 5}


# --- the editor --------------------------------------------------------------------------------


def _quadrants():
    """A decoder whose four numbers are the brightness of the quadrants: tanh of each."""
    latent = keras.Input((4,))
    coarse = keras.layers.Reshape((2, 2, 1))(latent)
    fine = keras.layers.UpSampling2D(8)(coarse)
    colour = keras.layers.Concatenate()([fine, fine, fine])
    return keras.Model(latent, keras.layers.Activation("tanh")(colour))


def _editor(steps, rate):
    whole = _model(latent=4)
    networks = [whole.trunk, whole.encoder_head, whole.critic_head, _quadrants()]
    model = IAN(*networks, edit_steps=steps, edit_rate=rate)
    model.encoder_head = lambda features, training: [tf.zeros([len(features), 4])] * 2
    return model


def _painted(colour=0.8):
    """A patch of 4x4 in the first quadrant and its mask."""
    target, mask = np.zeros((1, *SHAPE), np.float32), np.zeros((1, 16, 16, 1), np.float32)
    target[:, 2:6, 2:6] = colour
    mask[:, 2:6, 2:6] = 1.0
    return {"target": target, "mask": mask}


def test_one_step_of_an_edit_by_hand():
    # z = 0, tanh' = 1. The mean over the patch of (tanh z - 0.8)^2 has the slope -1.6 in its
    # quadrant's number; width 4, so z = 0.01 * (1 + 4) * 1.6 = 0.08 and G(z) = tanh 0.08 = 0.07983.
    model = _editor(1, 0.01)
    image = np.full((1, *SHAPE), -0.5, np.float32)
    edited = model.signatures()["edit"].function(image=image, **_painted())["image"].numpy()
    # Inside, the mask is |Delta| = 0.07983: -0.5 + 0.07983 * (0.07983 + 0.5) = -0.45371.
    np.testing.assert_allclose(edited[0, :5, :5], -0.45371, atol=1e-4)
    assert np.array_equal(edited[0, 11:], image[0, 11:])
    assert np.array_equal(edited[0, :, 11:], image[0, :, 11:])


def test_more_steps_lead_to_the_painted_colour_and_leave_what_is_far_away():
    image = 0.3 * _images(1, seed=3)
    model = _editor(40, 0.1)
    edited = model.signatures()["edit"].function(image=image, **_painted(-0.8))["image"].numpy()
    # G(z) is -0.8 then and the mask 0.8, so a fifth of the image is left in the quadrant.
    expected = 0.8 * -0.8 + 0.2 * image[0, :5, :5]
    np.testing.assert_allclose(edited[0, :5, :5], expected, atol=0.01)
    assert np.array_equal(edited[0, 11:], image[0, 11:])


def test_where_nothing_is_painted_the_image_comes_back():
    model, image = _model(), _images(2)
    nothing = {"target": _images(2, seed=1), "mask": np.zeros((2, 16, 16, 1), np.float32)}
    edited = model.signatures()["edit"].function(image=image, **nothing)["image"]
    np.testing.assert_array_equal(edited, image)


def _lively(**settings):
    """A model whose decoder's latent shows, as after training, and whose units are off zero."""
    model = _model(**settings)
    random = np.random.default_rng(0)
    for weight in model.decoder.trainable_weights:
        if "kernel" in weight.path:
            weight.assign(20.0 * weight)
        elif "beta" in weight.path:
            weight.assign(random.uniform(-1, 1, weight.shape))
    return model


def test_an_edit_moves_the_patch_towards_its_colour_and_what_changes_is_bounded_by_the_mask():
    model, image = _lively(edit_rate=0.1), _images(2)
    given = {"target": np.ones((2, *SHAPE), np.float32), "mask": np.zeros((2, 16, 16, 1), "f")}
    given["mask"][:, 4:8, 4:8] = 1.0
    signatures = model.signatures()
    latent = signatures["encode"].function(image=image)["latent"]
    own = signatures["decode"].function(latent=latent)["image"].numpy()
    edited = signatures["edit"].function(image=image, **given)["image"].numpy()
    # By finite differences in place of gradients, one step at a time.
    drawn = latent.numpy()
    for _ in range(TINY["edit_steps"]):
        drawn = drawn - 0.1 * (1 + 4) * _slope(model, drawn, given)
    drawn = signatures["decode"].function(latent=tf.constant(drawn))["image"].numpy()
    size = np.minimum(np.abs(drawn - own).mean(-1), 1.0)
    mask = np.stack([gaussian_filter(one, 0.7) for one in size])[..., None]
    expected = image + mask * (drawn - image)
    # Differences across a kink of a ReLU are not its slope: a tenth of the change is let pass.
    assert np.abs(edited - expected).max() < 0.1 * np.abs(expected - image).max()
    patch = np.s_[:, 4:8, 4:8]
    assert (drawn[patch] - own[patch]).mean() > 0.02
    assert (np.abs(edited - image) <= 2 * mask + 0.01).all()


def _slope(model, latent, given, width=2e-3):
    """The slope of the patch's mean squared distance, by differences."""

    def cost(numbers):
        drawn = model.decoder(tf.constant(numbers), training=False).numpy()
        squared = ((drawn - given["target"]) ** 2).mean(-1)
        return (given["mask"][..., 0] * squared).sum((1, 2)) / 16.0

    slopes = np.zeros_like(latent)
    for i in range(latent.shape[1]):
        step = np.zeros_like(latent)
        step[:, i] = width
        slopes[:, i] = (cost(latent + step) - cost(latent - step)) / (2 * width)
    return slopes


def test_halves_make_the_whole_and_latents_are_means():
    model, image = _model(), _images(2)
    signatures = model.signatures()
    latent = signatures["encode"].function(image=image)["latent"]
    seen = model.trunk(image, training=False)[-1]
    np.testing.assert_allclose(latent, model.encoder_head(seen, training=False)[0], atol=1e-6)
    halves = signatures["decode"].function(latent=latent)["image"]
    np.testing.assert_allclose(model(image), halves, atol=1e-6)
    policy = signatures["edit"].policy
    assert policy["edit"] == "3 gradient steps on the latent, rate 0.05"
    assert policy["mask_blend"] == "on"


def test_an_edit_is_exported_with_built_in_operations_and_agrees_with_python(tmp_path):
    model = _lively(edit_rate=0.1)
    only = {"edit": model.signatures()["edit"]}
    bundle = exporters.export(only, tmp_path / "bundle", recipes=("float32",))
    runner = exporters.Runner(exporters.open_bundle(bundle))
    given = {"image": _images(1), "target": _images(1, seed=1)}
    given["mask"] = np.zeros((1, 16, 16, 1), np.float32)
    given["mask"][:, 4:9, 4:9] = 1.0
    expected = only["edit"].function(**given)["image"].numpy()
    assert np.abs(expected - given["image"]).max() > 0.01
    assert np.abs(runner.run("edit", given)["image"] - expected).max() < 1e-3


def test_how_many_steps_of_an_edit_count_is_an_input_with_a_default(tmp_path):
    model = _lively(edit_rate=0.1)
    only = {"edit": model.signatures()["edit"]}
    bundle = exporters.open_bundle(exporters.export(only, tmp_path / "bundle"))
    steps = bundle.manifest.signatures["edit"].inputs[-1]
    assert (steps.name, steps.value_range, steps.default) == ("steps", (0.0, 3.0), (3.0,))
    assert steps.meaning.startswith("how many of 3 gradient steps towards the painted colours")
    given = {"image": _images(1), "target": _images(1, seed=1)}
    given["mask"] = np.ones((1, 16, 16, 1), np.float32)
    runner = exporters.Runner(bundle)
    for count in (0, 1, 3):
        fewer = _with_steps(model, count).signatures()["edit"]
        expected = fewer.function(**given)["image"].numpy()
        found = runner.run("edit", given | {"steps": np.float32([[count]])})["image"]
        assert np.abs(found - expected).max() < 1e-3, count
    moved = runner.run("edit", given)["image"] - given["image"]
    assert np.abs(moved).max() > 10 * 1e-3  # all three by default


def _with_steps(model, count):
    """The same networks with another number of steps, 0 among them."""
    other = IAN(model.trunk, model.encoder_head, model.critic_head, model.decoder)
    other.edit_steps, other.edit_rate = count, model.edit_rate
    return other


# --- the door ----------------------------------------------------------------------------------


def test_networks_that_do_not_go_together_are_refused():
    model, other = _model(), _model(latent=6, base=2)
    with pytest.raises(ValueError, match="both heads must take the trunk's last activations"):
        IAN(other.trunk, model.encoder_head, model.critic_head, model.decoder)
    with pytest.raises(ValueError, match="the 6 numbers the decoder takes, it reads"):
        IAN(model.trunk, model.encoder_head, model.critic_head, other.decoder)
    large = _model(shape=(32, 32, 3))
    with pytest.raises(ValueError, match="`decoder` must draw what the trunk takes"):
        IAN(model.trunk, model.encoder_head, model.critic_head, large.decoder)
    with pytest.raises(ValueError, match="must be square with a side of 8, 16"):
        _model(shape=(24, 24, 3))
