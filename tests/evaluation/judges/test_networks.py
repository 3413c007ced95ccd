import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.evaluation.judges import networks


def _naive(labels, embeddings, temperature=networks.TEMPERATURE):
    losses = []
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if j != i and labels[j][0] == labels[i][0]]
        weights = {j: np.exp(embeddings[i] @ embeddings[j] / temperature) for j in others}
        same = [j for j in others if labels[j][1] == labels[i][1]]
        losses.append(np.mean([-np.log(weights[j] / sum(weights.values())) for j in same]))
    return np.array(losses)


def test_contrastive_loss_equals_loops_over_views():
    random = np.random.default_rng(0)
    labels = np.array([[0, 3], [0, 5], [1, 3], [1, 4], [0, 3], [0, 5], [1, 3], [1, 4], [0, 3]])
    embeddings = random.normal(size=(9, 4)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    loss = networks.nt_xent_within_domain(tf.constant(labels), tf.constant(embeddings))
    np.testing.assert_allclose(loss, _naive(labels, embeddings), rtol=1e-4)


def test_contrastive_loss_of_two_perfectly_separated_images():
    # One positive of cosine 1 and two negatives of cosine -1: log(1 + 2 exp(-2 / 0.1)).
    embeddings = tf.constant([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    labels = tf.constant([[0, 0], [0, 1], [0, 0], [0, 1]])
    loss = networks.nt_xent_within_domain(labels, embeddings)
    np.testing.assert_allclose(loss, np.log1p(2 * np.exp(-20.0)), atol=1e-6)


def test_contrastive_loss_ignores_the_other_domain():
    embeddings = tf.math.l2_normalize(tf.random.stateless_normal((8, 5), [1, 2]), axis=1)
    labels = tf.constant([[0, 0], [0, 1], [1, 0], [1, 1]] * 2)
    both = networks.nt_xent_within_domain(labels, embeddings).numpy()
    alone = networks.nt_xent_within_domain(
        tf.gather(labels, [0, 1, 4, 5]), tf.gather(embeddings, [0, 1, 4, 5])
    )
    np.testing.assert_allclose(both[[0, 1, 4, 5]], alone, rtol=1e-5)


def test_an_epoch_has_every_image_once_and_the_next_has_another_order():
    steps = [networks._order(tf.constant(s, tf.int64), 5, 20, 7).numpy() for s in range(8)]
    first, second = np.concatenate(steps[:4]), np.concatenate(steps[4:])
    assert sorted(first) == sorted(second) == list(range(20))
    assert (first != second).any()


def test_batches_hold_both_domains_and_two_views_of_every_image():
    first = tf.zeros((7, 16, 16, 3), tf.uint8)
    second = tf.fill((9, 16, 16, 3), tf.constant(255, tf.uint8))
    images, labels = next(iter(networks.domain_batches(first, second, batch=8, steps=1, seed=0)))
    assert images.shape == (8, 16, 16, 3)
    means = images.numpy().mean((1, 2, 3))
    assert (means[:4] < 0).all()
    assert (means[4:] > 0).all()
    np.testing.assert_array_equal(labels[:, 0], [0, 0, 0, 0, 1, 1, 1, 1])
    _, labels = next(iter(networks.content_batches(first, second, batch=8, steps=1, seed=0)))
    views, counts = np.unique(labels, axis=0, return_counts=True)
    assert (counts == 2).all()
    assert sorted(views[:, 0]) == [0] * 4 + [1] * 4


def test_small_sets_give_smaller_batches_without_an_error():
    few = tf.zeros((2, 16, 16, 3), tf.uint8)
    images, labels = next(iter(networks.content_batches(few, few, batch=64, steps=1, seed=0)))
    assert len(images) == len(labels) == 8


@pytest.mark.parametrize("build", [networks.domain_network, networks.content_network])
def test_networks_depend_on_their_seed_and_are_equal_after_saving(build, tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    network = build(16, seed=1)
    expected = network(images).numpy()
    np.testing.assert_array_equal(build(16, seed=1)(images), expected)
    assert np.abs(build(16, seed=2)(images) - expected).max() > 1e-4
    network.save(tmp_path / "n.keras")
    np.testing.assert_allclose(
        keras.saving.load_model(tmp_path / "n.keras")(images), expected, atol=1e-6
    )


@pytest.mark.parametrize("build", [networks.domain_network, networks.content_network])
def test_judges_compute_in_float32_under_any_global_precision(build):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    expected = build(16, seed=0)(images).numpy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        outputs = build(16, seed=0)(images).numpy()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    np.testing.assert_array_equal(outputs, expected)
