"""The cells that a command names: methods and seeds, or one cell."""

from collections.abc import Sequence

from tf_translate.errors import ConfigError
from tf_translate.experiment.compare.ablations import method_of
from tf_translate.experiment.compare.cells.cell import Cell
from tf_translate.experiment.compare.cells.comparison import Comparison
from tf_translate.experiment.compare.cells.supervision import applicable, not_compared


def choose_cells(
    comparison: Comparison, names: Sequence[str], seeds: int, *, ablations: bool = False
) -> list[Cell]:
    """The cells of some methods, seed by seed, so that all methods come early.

    Of ablations, those with all loss terms come first: the others are compared with them.

    Args:
        comparison: The comparison.
        names: Methods; empty: all of the task that apply.
        seeds: Number of seeds, from 0.
        ablations: Whether each method has a cell with all loss terms and one without each of them,
            instead of its own.

    Raises:
        ConfigError: If the task has no such method, it does not apply, or there is no seed.
    """
    if seeds < 1:
        raise ConfigError(f"--seeds must be at least 1, got {seeds}")
    chosen = list(dict.fromkeys(names)) or list(applicable(comparison.task))
    left_out = not_compared(comparison.task)
    for name in chosen:
        if name in left_out:
            raise ConfigError(
                f"{name} is not compared in the task {comparison.name}: "
                f"{left_out[name]}; leave it out of --methods"
            )
        if name not in comparison.task.methods:
            raise ConfigError(
                f"the task {comparison.name} has no method {name!r}, only "
                f"{', '.join(comparison.task.methods)}"
            )
    if ablations:
        all_of = [comparison.ablations(name).cells for name in chosen]
        controls = [control.name for control, *_ in all_of]
        chosen = [*controls, *(each.name for _, *others in all_of for each in others)]
    return [comparison.cell(name, seed) for seed in range(seeds) for name in chosen]


def find_cell(comparison: Comparison, text: str) -> Cell:
    """The cell that `--cell METHOD:SEED` names.

    Raises:
        ConfigError: If it has another form, or there is no such method or loss term.
    """
    name, colon, seed = text.rpartition(":")
    if not colon or not seed.isdecimal():
        raise ConfigError(f"--cell must be METHOD:SEED, as in cyclegan:0, got {text!r}")
    choose_cells(comparison, [method_of(name)], 1)  # says what is wrong with the name
    return comparison.cell(name, int(seed))
