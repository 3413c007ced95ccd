"""scripts/bench_training: what it counts, when it refuses, and (where PyTorch is) a tiny race."""

import json
import math
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tests.scripts.results.test_results import check_side_by_side
from tf_translate.layers.cpu import VARIABLE
from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.methods.pix2pix import Pix2Pix, Pix2PixSettings

ROOT = Path(__file__).parents[3]
TORCH = ROOT / ".venv" / "bench" / "bin" / "python"


@pytest.fixture
def scripts(monkeypatch):
    """The modules of scripts/, gone again afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import bench_training
    import step_arithmetic

    yield SimpleNamespace(bench=bench_training, arithmetic=step_arithmetic)
    for name in ("bench_training", "step_arithmetic", "machine"):
        sys.modules.pop(name, None)


def _translator(method, side, base, blocks):
    shapes, sizes = [(side, side, 3)] * 2, {"base_filters": base, "discriminator_filters": base}
    if method == "cyclegan":
        return CycleGAN.from_settings(CycleGANSettings(residual_blocks=blocks, **sizes), *shapes)
    levels = int(math.log2(side))
    return Pix2Pix.from_settings(Pix2PixSettings(num_downsamples=levels, **sizes), *shapes)


def _multiply_adds_of_graph(translator, side):
    """What the convolutions of a traced step multiply, from the shapes of its graph."""
    batch = {name: tf.TensorSpec((1, side, side, 3), tf.float32) for name in "ab"}
    graph = tf.function(translator.train_step).get_concrete_function(batch).graph
    total = 0
    for node in _needed(graph):
        if node.type == "Conv2D":  # image, kernel
            total += math.prod(node.outputs[0].shape) * math.prod(node.inputs[1].shape[:3])
        elif node.type == "Conv2DBackpropInput":  # sizes, kernel, what comes back
            total += math.prod(node.inputs[2].shape) * math.prod(node.inputs[1].shape[:3])
        elif node.type == "Conv2DBackpropFilter":  # image, sizes, what comes back
            total += math.prod(node.inputs[2].shape) * math.prod(node.outputs[0].shape[:3])
    return total


def _needed(graph):
    """Operations that a result or a change of state comes from; others are never run.

    A tape writes down both gradients of a convolution, also where one is wanted.
    """
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    seen = {}
    while waiting:
        node = waiting.pop()
        if node.name not in seen:
            seen[node.name] = node
            waiting += [tensor.op for tensor in node.inputs] + list(node.control_inputs)
    return seen.values()


@pytest.mark.parametrize(("method", "side"), [("cyclegan", 32), ("pix2pix", 64)])
def test_counts_from_shapes_are_those_of_tensorflows_graph(scripts, method, side, monkeypatch):
    # The equations are counted: the kernel for few channels multiplies by ones and zeros too.
    monkeypatch.setenv(VARIABLE, "off")
    translator = _translator(method, side, base_filters=4, blocks=2)
    translator.compile()
    row = scripts.bench.Row(method, method, side, base_filters=4, blocks=2)
    assert row.multiply_adds() == _multiply_adds_of_graph(translator, side)
    for name, count in row.parameters().items():
        weights = getattr(translator, name).trainable_variables
        assert count == sum(np.prod(weight.shape) for weight in weights)


def test_full_size_networks_have_the_published_numbers_of_parameters(scripts):
    rows = scripts.bench.ROWS
    found = rows["cyclegan_256"].parameters()
    assert found["generator_ab"] == found["generator_ba"] == 11_378_179  # 11.378 M
    assert found["discriminator_a"] == found["discriminator_b"] == 2_764_737  # 2.765 M
    assert rows["pix2pix_256"].parameters() == {"generator": 54_413_955, "discriminator": 2_768_705}


def test_a_quarter_of_the_pixels_costs_about_a_quarter(scripts):
    rows = scripts.bench.ROWS
    # Only the discriminator's last two maps, 31 and 30 of 32 pixels, do not scale exactly.
    ratio = rows["cyclegan_256"].multiply_adds() / rows["cyclegan_128"].multiply_adds()
    assert ratio == pytest.approx(4, rel=5e-3)


def _trainer(parameters, **losses):
    return SimpleNamespace(loaded={"parameters": parameters}, losses=[losses])


def test_equal_first_steps_are_told_with_their_difference(scripts):
    row = scripts.bench.ROWS["pix2pix_256"]
    own = row.parameters()
    ours, theirs = (
        _trainer(own, l1=0.5, discriminator=0.7),
        _trainer(own, l1=0.50005, discriminator=0.69998),
    )
    told = scripts.bench.agree(row, "float32", ours, {"contiguous": theirs})
    assert told["difference"] == pytest.approx(5e-5)
    assert told["first step"]["PyTorch contiguous"] == {"l1": 0.50005, "discriminator": 0.69998}


@pytest.mark.parametrize(("loss", "also_in_half"), [(0.5002, False), (float("nan"), True)])
def test_another_loss_stops_the_race(scripts, loss, also_in_half):
    row = scripts.bench.ROWS["pix2pix_256"]
    own = row.parameters()
    pair = _trainer(own, l1=0.5), {"contiguous": _trainer(own, l1=loss)}
    with pytest.raises(
        scripts.bench.DisagreementError, match=r"within 0\.0001 in float32, PyTorch contiguous, l1"
    ):
        scripts.bench.agree(row, "float32", *pair)
    if also_in_half:
        with pytest.raises(scripts.bench.DisagreementError, match="must be finite"):
            scripts.bench.agree(row, "bfloat16", *pair)
    else:
        scripts.bench.agree(row, "bfloat16", *pair)


def test_another_network_stops_the_race(scripts):
    row = scripts.bench.ROWS["pix2pix_256"]
    own = row.parameters()
    other = {**own, "discriminator": own["discriminator"] + 1}
    with pytest.raises(scripts.bench.DisagreementError, match=r"contiguous has .*2768706"):
        scripts.bench.agree(row, "bfloat16", _trainer(own, l1=1), {"contiguous": _trainer(other)})


def test_metrics_of_a_row_by_hand(scripts):
    row = scripts.bench.Row("pix2pix", "pix2pix", 256)
    found = scripts.bench.Race("contiguous", {}, {"difference": 1e-6})
    found.times = {"ours": [100.0, 90.0, 120.0], "PyTorch": [200.0, 100.0, 150.0]}
    found.products = {"ours": [1.0, 20.0, 10.0], "PyTorch": [40.0, 16.0, 18.0]}
    found.peaks = {"ours": 5.0, "PyTorch": 6.0}
    races = {("pix2pix_256", "float32"): found}
    # 1000^3 in 10 ms, the first product is not counted: 100 thousand million a second.
    peak = scripts.bench.peaks(races, 1000)["float32"]
    assert peak == pytest.approx(100)
    told = scripts.bench.metrics(row, found, peak)
    assert (told["ms"], told["PyTorch ms"]) == (100, 150)
    assert told["ratio"] == pytest.approx(0.8)  # of 0.5, 0.9 and 0.8
    # A step's GMAC in 0.1 s against 100 a second: a tenth of GMAC.
    assert told["share of peak"] == pytest.approx(told["GMAC"] / 0.1 / 100)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "0"], "whole number of at least 1, got 0"),
        (["--size-factor", "0.1"], "power of two of at least 32, got 12.8"),
    ],
)
def test_a_wrong_option_is_refused_in_a_sentence(scripts, tmp_path, capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        scripts.bench.main([str(tmp_path), "--torch-python", "python", *words])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def _published(folder):
    module = runpy.run_path(str(ROOT / "scripts" / "result_tables.py"))
    return module["table"](json.loads((folder / "bench_training.json").read_text()))


@pytest.mark.skipif(not TORCH.exists(), reason="PyTorch is installed by scripts/bench_training")
def test_a_tiny_race_agrees_and_is_written(tmp_path):
    tiny = ["--rounds", "2", "--size-factor", "0.25", "--base", "8", "--blocks", "2"]
    tiny += ["--product", "256", "--threads", "1", "--row", "cyclegan_128", "--row", "pix2pix_256"]
    command = [sys.executable, ROOT / "scripts" / "bench_training.py", tmp_path]
    done = subprocess.run(
        [*command, "--torch-python", TORCH, *tiny], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "bench_training.json").read_text())
    check_side_by_side(result)
    names = ["CycleGAN, 32 px", "pix2pix, 64 px"]
    precisions = ("float32", "bfloat16")
    assert list(result["side_by_side"]) == [f"{n}, {p}" for n in names for p in precisions]
    for name in names:
        assert f"| {name}, bfloat16 | " in _published(tmp_path)
        exact, half = (result["agreement"][f"{name}, {p}"]["difference"] for p in precisions)
        assert exact < half < 0.1  # bfloat16 is really used, on the same losses
