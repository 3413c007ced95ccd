import io
import json
import sys
from types import ModuleType

import pytest
from rich.console import Console

from tests.cli.conftest import write_pairs
from tf_translate.config.schema import Config
from tf_translate.errors import InstallationError
from tf_translate.experiment.train import train

TINY = {
    "num_downsamples": 2, "base_filters": 4, "discriminator_downsamples": 2,
    "discriminator_filters": 4,
    "dropout": 0.0,
    "optimizer": {"kind": "rmsprop", "learning_rate": 1e-3},
}  # fmt: skip

SMALL = {
    "base_filters": 2,
    "discriminator_filters": 2,
    "norm": "none",
    "discriminator_norm": "none",
}  # of GeneGAN


def _rows(path):
    return [json.loads(line) for line in (path / "history.jsonl").read_text().splitlines()]


def test_another_package_named_exporters_is_refused_before_training(tmp_path, monkeypatch):
    other = ModuleType("exporters")
    other.__file__ = "/home/me/exporters.py"
    monkeypatch.setitem(sys.modules, "exporters", other)
    config = Config(method="pix2pix", data={"path": str(tmp_path)})
    with pytest.raises(InstallationError, match=r"/home/me/exporters\.py"):
        train(config, tmp_path / "run", resume=False, console=Console(file=io.StringIO()))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # bursts, below, take several turns too
@pytest.mark.parametrize("turns", [1, 3])
def test_a_resumed_run_of_several_turns_continues_with_the_same_batches(tmp_path, turns):
    data = write_pairs(tmp_path / "pairs")

    def config(steps):
        return Config(
            method="dualgan",
            model={**TINY, "discriminator_turns": turns},
            data={"path": str(data), "size": [16, 16], "validation_share": 0.0},
            training={"steps": steps, "batch_size": 2, "log_every": 1, "checkpoint_every": 2},
        )

    console = Console(file=io.StringIO())
    assert train(config(4), tmp_path / "uninterrupted", resume=False, console=console)
    assert train(config(2), tmp_path / "interrupted", resume=False, console=console)
    assert train(config(4), tmp_path / "interrupted", resume=True, console=console)
    assert _rows(tmp_path / "interrupted") == _rows(tmp_path / "uninterrupted")


@pytest.mark.slow
def test_a_run_resumed_during_a_burst_continues_the_burst(tmp_path):
    data = write_pairs(tmp_path / "pairs")

    def config(steps):
        return Config(
            method="genegan",
            model={**SMALL, "discriminator_burst_turns": 3, "discriminator_burst_every": 2},
            data={"path": str(data), "size": [16, 16], "validation_share": 0.0},
            training={"steps": steps, "batch_size": 2, "log_every": 1, "checkpoint_every": 5},
        )

    console = Console(file=io.StringIO())
    assert train(config(8), tmp_path / "uninterrupted", resume=False, console=console)
    assert train(config(5), tmp_path / "interrupted", resume=False, console=console)
    assert train(config(8), tmp_path / "interrupted", resume=True, console=console)
    rows = _rows(tmp_path / "uninterrupted")
    assert _rows(tmp_path / "interrupted") == rows
    # The discriminators train alone for two steps, then both players for two.
    generators_trained = ["content/reconstruction" in row for row in rows]
    assert generators_trained == [False, False, True, True, False, False, True, True]


@pytest.mark.slow
def test_checking_xla_logs_its_result_and_changes_no_loss(tmp_path):
    data = write_pairs(tmp_path / "pairs")

    def config(xla):
        return Config(
            method="dualgan",
            model=TINY,
            data={"path": str(data), "size": [16, 16], "validation_share": 0.0},
            training={"steps": 3, "batch_size": 2, "log_every": 1, "xla": xla},
        )

    text = io.StringIO()
    for xla in ("off", "check"):
        console = Console(file=text if xla == "check" else io.StringIO(), width=200)
        assert train(config(xla), tmp_path / xla, resume=False, console=console)
    (message,) = [line for line in text.getvalue().splitlines() if "XLA" in line]
    if message.endswith("XLA is off"):
        assert _rows(tmp_path / "check") == _rows(tmp_path / "off")
