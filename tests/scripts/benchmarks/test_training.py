"""scripts/bench training: its counts, when it refuses, and (with PyTorch) a tiny benchmark."""

import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from scripts.benchmarks import training as bench
from scripts.benchmarks.machine import TORCH_PYTHON
from scripts.results.tables import table
from tests.scripts.results.test_results import check_side_by_side
from tf_translate.layers.cpu import VARIABLE
from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.methods.pix2pix import Pix2Pix, Pix2PixSettings

ROOT = Path(__file__).parents[3]


def _translator(method, side, base_filters, blocks):
    shapes = [(side, side, 3)] * 2
    sizes = {"base_filters": base_filters, "discriminator_filters": base_filters}
    if method == "cyclegan":
        return CycleGAN.from_settings(CycleGANSettings(residual_blocks=blocks, **sizes), *shapes)
    settings = Pix2PixSettings(num_downsamples=int(math.log2(side)), **sizes)
    return Pix2Pix.from_settings(settings, *shapes)


def _multiply_adds_of_graph(translator, side):
    """Multiply-adds of the convolutions in a traced step, from the shapes of its graph."""
    batch = {name: tf.TensorSpec((1, side, side, 3), tf.float32) for name in "ab"}
    graph = tf.function(translator.train_step).get_concrete_function(batch).graph
    total = 0
    for node in _needed(graph):
        if node.type == "Conv2D":  # image, kernel
            total += math.prod(node.outputs[0].shape) * math.prod(node.inputs[1].shape[:3])
        elif node.type == "Conv2DBackpropInput":  # sizes, kernel, upstream gradient
            total += math.prod(node.inputs[2].shape) * math.prod(node.inputs[1].shape[:3])
        elif node.type == "Conv2DBackpropFilter":  # image, sizes, upstream gradient
            total += math.prod(node.inputs[2].shape) * math.prod(node.outputs[0].shape[:3])
    return total


def _needed(graph):
    """Operations on which an output or a state change depends; others are never run.

    A tape records both gradients of a convolution, even where only one is needed.
    """
    remaining = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    needed = {}
    while remaining:
        node = remaining.pop()
        if node.name not in needed:
            needed[node.name] = node
            remaining += [tensor.op for tensor in node.inputs] + list(node.control_inputs)
    return needed.values()


@pytest.mark.slow
@pytest.mark.parametrize(("method", "side"), [("cyclegan", 32), ("pix2pix", 64)])
def test_counts_from_layer_shapes_equal_those_of_tensorflows_graph(method, side, monkeypatch):
    # The kernel for few channels also multiplies by ones and zeros, which do not count.
    monkeypatch.setenv(VARIABLE, "off")
    translator = _translator(method, side, base_filters=4, blocks=2)
    translator.compile()
    row = bench.Row(method, method, side, base_filters=4, blocks=2)
    assert row.multiply_adds() == _multiply_adds_of_graph(translator, side)
    for name, count in row.parameters().items():
        weights = getattr(translator, name).trainable_variables
        assert count == sum(np.prod(weight.shape) for weight in weights)


def test_full_size_networks_have_the_published_number_of_parameters():
    rows = bench.ROWS
    found = rows["cyclegan_256"].parameters()
    assert found["generator_ab"] == found["generator_ba"] == 11_378_179  # 11.378 M
    assert found["discriminator_a"] == found["discriminator_b"] == 2_764_737  # 2.765 M
    assert rows["pix2pix_256"].parameters() == {"generator": 54_413_955, "discriminator": 2_768_705}


def test_a_quarter_of_the_pixels_costs_about_a_quarter_of_the_multiply_adds():
    rows = bench.ROWS
    # Only the discriminator's last two maps, 31 and 30 of 32 pixels, do not scale exactly.
    ratio = rows["cyclegan_256"].multiply_adds() / rows["cyclegan_128"].multiply_adds()
    assert ratio == pytest.approx(4, rel=5e-3)


def _trainer(parameters, **losses):
    return SimpleNamespace(loaded={"parameters": parameters}, losses=[losses])


def test_equal_first_steps_are_reported_with_their_difference():
    row = bench.ROWS["pix2pix_256"]
    parameters = row.parameters()
    ours, theirs = (
        _trainer(parameters, l1=0.5, discriminator=0.7),
        _trainer(parameters, l1=0.50005, discriminator=0.69998),
    )
    agreement = bench.agree(row, "float32", ours, {"contiguous": theirs})
    assert agreement["difference"] == pytest.approx(5e-5)
    assert agreement["first step"]["PyTorch contiguous"] == {
        "l1": 0.50005,
        "discriminator": 0.69998,
    }


@pytest.mark.parametrize(("loss", "also_in_half"), [(0.5002, False), (float("nan"), True)])
def test_a_different_loss_stops_the_benchmark(loss, also_in_half):
    row = bench.ROWS["pix2pix_256"]
    parameters = row.parameters()
    pair = _trainer(parameters, l1=0.5), {"contiguous": _trainer(parameters, l1=loss)}
    with pytest.raises(
        bench.DisagreementError, match=r"within 0\.0001 in float32, PyTorch contiguous, l1"
    ):
        bench.agree(row, "float32", *pair)
    if also_in_half:
        with pytest.raises(bench.DisagreementError, match="must be finite"):
            bench.agree(row, "bfloat16", *pair)
    else:
        bench.agree(row, "bfloat16", *pair)


def test_a_different_network_stops_the_benchmark():
    row = bench.ROWS["pix2pix_256"]
    parameters = row.parameters()
    other = {**parameters, "discriminator": parameters["discriminator"] + 1}
    with pytest.raises(bench.DisagreementError, match=r"contiguous has .*2768706"):
        bench.agree(row, "bfloat16", _trainer(parameters, l1=1), {"contiguous": _trainer(other)})


def test_metrics_of_a_row_by_hand():
    row = bench.Row("pix2pix", "pix2pix", 256)
    measured = bench.Measured("contiguous", {}, {"difference": 1e-6})
    measured.times = {"ours": [100.0, 90.0, 120.0], "PyTorch": [200.0, 100.0, 150.0]}
    measured.products = {"ours": [1.0, 20.0, 10.0], "PyTorch": [40.0, 16.0, 18.0]}
    measured.peaks = {"ours": 5.0, "PyTorch": 6.0}
    results = {("pix2pix_256", "float32"): measured}
    # 1000^3 in 10 ms, without the first product: 100 billion per second.
    peak = bench.peaks(results, 1000)["float32"]
    assert peak == pytest.approx(100)
    metrics = bench.metrics(row, measured, peak)
    assert (metrics["ms"], metrics["PyTorch ms"]) == (100, 150)
    assert metrics["ratio"] == pytest.approx(0.8)  # the median of 0.5, 0.9 and 0.8
    # GMAC of a step in 0.1 s, relative to 100 per second.
    assert metrics["fraction of peak"] == pytest.approx(metrics["GMAC"] / 0.1 / 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rounds", "0"], "whole number of at least 1, got 0"),
        (["--size-factor", "0.1"], "power of two of at least 32, got 12.8"),
    ],
)
def test_a_wrong_option_is_refused_in_one_sentence(tmp_path, capsys, options, message):
    with pytest.raises(SystemExit) as stopped:
        bench.main([str(tmp_path), *options])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.skipif(not TORCH_PYTHON.is_file(), reason="`scripts/bench training` installs PyTorch")
def test_both_frameworks_agree_in_a_tiny_benchmark(tmp_path):
    tiny = ["--rounds", "2", "--size-factor", "0.25", "--base-filters", "8", "--blocks", "2"]
    tiny += ["--product", "256", "--threads", "1", "--row", "cyclegan_128", "--row", "pix2pix_256"]
    command = [sys.executable, "-m", "scripts.benchmarks.training", tmp_path, *tiny]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "bench_training.json").read_text())
    check_side_by_side(result)
    assert result["command"] == " ".join(["scripts/bench training", *tiny])
    names = ["CycleGAN, 32 px", "pix2pix, 64 px"]
    precisions = ("float32", "bfloat16")
    assert list(result["side_by_side"]) == [f"{n}, {p}" for n in names for p in precisions]
    for name in names:
        assert f"| {name}, bfloat16 | " in table(result)
        exact, half = (result["agreement"][f"{name}, {p}"]["difference"] for p in precisions)
        assert exact < half < 0.1  # bfloat16 is really used, on the same losses
