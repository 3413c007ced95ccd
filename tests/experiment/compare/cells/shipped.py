"""Comparisons on tasks that ship, and the settings of their cells."""

from pathlib import Path

from tf_translate.config.task import load_task
from tf_translate.experiment.compare.cells.cell import toml_value
from tf_translate.experiment.compare.cells.comparison import make_comparison
from tf_translate.experiment.configure import resolve


def comparison_on(task="glasses", *, run=Path("runs"), data=Path("/data"), **options):
    name, found = load_task(task)
    return make_comparison(name, found, run=run, data=data, **options)


def config_of(cell):
    return resolve(
        cell.preset, [f"{key}={toml_value(each)}" for key, each in cell.settings.items()]
    )
