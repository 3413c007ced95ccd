"""scripts/bench cpu_kernels: settings, turns and ratios, with models that only pretend."""

import json
from argparse import Namespace

import numpy as np
import pytest

from scripts.benchmarks import cpu_kernels
from tf_translate.layers.cpu import KERNELS


class FakeModel:
    """Steps whose time is 1 second, and more by each kernel's cost where it is left out."""

    def __init__(self, cost):
        self.about = {"method": "fake", "stage": "train"}
        self.cost, self.traced, self.calls = cost, {}, []

    def trace(self, setting, steps):
        self.traced[setting] = steps
        return set(self.cost)

    def seconds(self, setting, steps):
        assert setting in self.traced
        self.calls.append((setting, steps))
        names = {"on": set(KERNELS), "off": set()}.get(setting, set(setting.split(",")))
        return 1.0 + sum(each for kernel, each in self.cost.items() if kernel not in names)


def test_each_kernel_in_use_is_left_out_in_turns():
    model = FakeModel({"adam": 0.25, "bias": 1.0})
    row = cpu_kernels.measure(model, KERNELS, rounds=4)
    assert row["kernels"] == ["adam", "bias"]
    ratios = {name: each["ratio"] for name, each in row["ratios"].items()}
    assert ratios == {"bias": 0.5, "adam": 0.8, "all": round(1 / 2.25, 4)}
    assert row["ms"] == 1000.0
    assert row["ratios"]["all"]["ms_without"] == 2250.0
    assert row["rounds_ms"]["bias"] == [2000.0] * 4
    assert set(model.traced) == {
        "on", "off", cpu_kernels.without("adam"), cpu_kernels.without("bias")
    }  # fmt: skip


def test_only_the_requested_kernels_are_left_out():
    row = cpu_kernels.measure(FakeModel({"adam": 0.25, "bias": 1.0}), ["adam"], rounds=2)
    assert set(row["ratios"]) == {"adam", "all"}


def test_every_round_starts_with_another_setting_and_takes_each_one_once():
    model = FakeModel({"adam": 0.5})
    model.traced = dict.fromkeys(["on", "off"], 1)
    times = cpu_kernels.take_turns(model, ["on", "off"], 3, rounds=3)
    assert model.calls == [(name, 3) for name in ("on", "off", "off", "on", "on", "off")]
    assert times == {"on": [1.0] * 3, "off": [1.5] * 3}


@pytest.mark.parametrize(("seconds", "steps"), [(2.0, 1), (0.13, 2), (0.001, 5)])
def test_short_steps_are_repeated_within_a_round(seconds, steps):
    assert cpu_kernels.steps_per_round(seconds) == steps


def test_ratios_are_those_of_the_same_round_with_an_interval_of_their_median():
    others = np.linspace(1.0, 9.0, 21)
    ratios = np.linspace(0.5, 1.5, 21)
    found = cpu_kernels.ratio_interval(ratios * others, others)
    assert found["ratio"] == pytest.approx(1.0)
    assert (found["ratio_p10"], found["ratio_p90"]) == pytest.approx((0.6, 1.4))
    assert 0.6 < found["ratio_low"] < 1.0 < found["ratio_high"] < 1.4
    assert found == cpu_kernels.ratio_interval(ratios * others, others)  # seeded


def test_the_setting_without_a_kernel_names_all_others():
    assert set(cpu_kernels.without("adam").split(",")) == set(KERNELS) - {"adam"}


def test_the_file_says_how_and_where_it_was_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cpu_kernels, "models", lambda method: [FakeModel({"adam": 0.25})])
    options = Namespace(method=["ian"], kernel=None, rounds=2, folder=tmp_path / "new")
    assert cpu_kernels.main(options, ["--method", "ian"]) == 0
    result = json.loads((tmp_path / "new" / "cpu_kernels.json").read_text())
    assert result["command"] == "scripts/bench cpu_kernels --method ian"
    keys = {"date", "seed", "machine", "instruction_set", "versions", "revision", "rounds"}
    assert keys < set(result)
    assert [row["ratios"]["adam"]["ratio"] for row in result["kernel_times"]] == [0.8]
    assert "adam 0.800 (0.800 to 0.800)" in capsys.readouterr().err


def test_a_folder_that_exists_is_refused(tmp_path, capsys):
    options = Namespace(method=None, kernel=None, rounds=2, folder=tmp_path)
    assert cpu_kernels.main(options, []) == 2
    assert "--folder must be new" in capsys.readouterr().err
