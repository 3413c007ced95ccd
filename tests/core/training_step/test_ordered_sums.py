"""Sums of gradients do not depend on the timing of threads."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from tests.marks import slow_but
from tests.methods.test_conformance import _batch, _build
from tf_translate.core.training_step.ordered_sums import ordered_sums


def _sum_operations(call):
    """Numbers of inputs of the graphs' sums after TensorFlow's graph optimization, by kind."""
    context.context().enable_graph_collection()
    try:
        call()
        graphs = context.context().export_run_metadata().partition_graphs
    finally:
        context.context().disable_graph_collection()
    nodes = [n for graph in graphs for n in graph.node]
    nodes += [n for graph in graphs for f in graph.library.function for n in f.node_def]
    return {
        kind: [
            sum(not name.startswith("^") for name in node.input)
            for node in nodes
            if node.op == kind
        ]
        for kind in ("AddN", "AddV2")
    }


def _weight_used_four_times():
    weight = tf.constant(np.random.default_rng(0).normal(size=(64, 64)), tf.float32)

    def gradient(images):
        with tf.GradientTape() as tape:
            tape.watch(weight)
            for _ in range(4):
                images = tf.tanh(images @ weight)
        return tape.gradient(images, weight)

    return gradient, tf.ones([8, 64])


def test_four_gradients_are_added_two_at_a_time():
    gradient, images = _weight_used_four_times()
    usual = _sum_operations(lambda: tf.function(gradient)(images))
    assert usual["AddN"] == [4]
    with ordered_sums():
        ordered = _sum_operations(lambda: tf.function(gradient)(images))
    assert ordered["AddN"] == []
    assert ordered["AddV2"] == [2, 2, 2]
    assert _sum_operations(lambda: tf.function(gradient)(images))["AddN"] == [4]


def test_the_sum_is_the_usual_one_within_rounding_and_the_same_outside_a_graph():
    gradient, images = _weight_used_four_times()
    usual = gradient(images)
    with ordered_sums():
        with ordered_sums():  # as of a second replica
            pass
        eager, traced = gradient(images), tf.function(gradient)(images)
    np.testing.assert_allclose(usual, eager, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(eager, traced, rtol=1e-5, atol=1e-5)


def test_sparse_gradients_are_summed_too():
    table = tf.Variable(tf.ones([5, 2]))
    with ordered_sums(), tf.GradientTape() as tape:
        loss = sum(tf.reduce_sum(tf.gather(table, [i, 1])) for i in range(3))
        gradient = tape.gradient(loss, table)
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient)[:, 0], [1, 4, 1, 0, 0])


@pytest.mark.thorough
# Generators that run three times in a step; second derivatives; sums of many losses.
@pytest.mark.parametrize("name", slow_but(["cyclegan", "dualgan", "ian"], "dualgan"))
def test_a_training_step_has_no_sum_whose_order_depends_on_timing(name):
    model = _build(name)
    data = tf.data.Dataset.from_tensors(_batch())
    sums = _sum_operations(lambda: model.fit(data, verbose=0))
    assert len(sums["AddV2"]) > 20
    assert max(sums["AddN"], default=0) <= 2
