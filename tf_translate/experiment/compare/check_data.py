"""Whether the data of a task fit its cells, before the first of them trains."""

import json
from collections.abc import Callable, Iterable

from tf_translate.config.schema import Config
from tf_translate.errors import ConfigError, DataError
from tf_translate.experiment.compare import cell_state
from tf_translate.experiment.compare.cells import Cell, overrides_of
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import open_dataset
from tf_translate.experiment.eval_sets.directions import direction_names
from tf_translate.experiment.eval_sets.latent_edits import open_labelled
from tf_translate.methods import registry


def check_data(cells: Iterable[Cell], report: Callable[[str], None]) -> None:
    """Opens the data of each method as its training and its evaluation will.

    Cells that were started are left out. Methods that share the settings of their data share one
    look at them.

    Args:
        cells: The cells.
        report: Called with a line for each look.

    Raises:
        ConfigError: If columns, values or images are missing, or the data have no such direction.
    """
    seen: set[str] = set()
    checked: set[str] = set()
    for cell in cells:
        if cell.name in checked or cell_state.state_of(cell) != cell_state.NEW:
            continue
        checked.add(cell.name)
        config = resolve(cell.preset, overrides_of(cell.settings))
        names = direction_names(config)
        if cell.direction not in names:
            raise ConfigError(
                f"the direction of {cell.name} is {cell.direction!r}, but its results have "
                f"{', '.join(names)}; set `direction` of its layout to one of them"
            )
        layout = registry.find(config.method).layout
        key = json.dumps([layout, config.data.model_dump(mode="json"), _edited(config)])
        if key in seen:
            continue
        seen.add(key)
        report(f"looking at the data as {cell.name} will see them")
        try:
            open_dataset(config)
            if _edited(config):
                open_labelled(config.data, config.evaluation.attributes)
        except (ConfigError, DataError) as error:
            message = f"the data do not fit {cell.name}: {error.message}"
            raise ConfigError(message, error.explanation) from error


def _edited(config: Config) -> dict[str, list[str]]:
    """The attributes that a method which learns from images alone is evaluated on."""
    layout = registry.find(config.method).layout
    return dict(config.evaluation.attributes) if layout == "images" else {}
