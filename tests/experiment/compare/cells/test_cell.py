"""A cell: its commands and what they evaluate."""

import dataclasses
import itertools
import shlex
import tomllib
from pathlib import Path

from tests.experiment.compare.cells.shipped import comparison_on
from tf_translate.config.load import load
from tf_translate.experiment.compare.cells.cell import cell_command, toml_value


def test_commands_can_be_read_back_by_a_shell():
    cell = comparison_on().cell("fader", 0)
    arguments = shlex.split(shlex.join(cell.train_arguments()))
    pairs = itertools.pairwise(arguments)
    overrides = [after for option, after in pairs if option == "--set"]
    assert load(arguments[1], overrides).data.attributes == {"glasses": ["0", "1"]}
    command = cell_command("glasses", cell, Path("my runs"), ["--budget", "3"])
    assert shlex.split(command) == [
        "tf-translate", "compare", "run", "glasses", "--cell", "fader:0", "--run", "my runs",
        "--budget", "3",
    ]  # fmt: skip


def test_values_are_written_as_toml():
    value = {"a": True, "b": [1, 0.5], "c": {"x y": ['ä"\\', 1e-5]}, "d": "text"}
    assert tomllib.loads(f"value = {toml_value(value)}")["value"] == value


def test_a_cell_is_evaluated_in_its_direction_alone():
    comparison = comparison_on()
    assert comparison.cell("genegan", 0).evaluate_arguments()[2:] == ["--direction", "b_to_a"]
    ian = comparison.cell("ian", 0)
    both = ["--direction", "add_glasses", "--direction", "add_glasses_painted"]
    assert ian.evaluate_arguments()[2:] == both
    painted = dataclasses.replace(ian, direction="add_glasses_painted")
    assert painted.evaluate_arguments()[2:] == both[2:]
