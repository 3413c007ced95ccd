"""Whether the data of a task fit its cells, before the first of them trains."""

import json
from collections.abc import Callable, Iterator, Sequence

from tf_translate.config.schema import Config
from tf_translate.errors import ConfigError, DataError
from tf_translate.experiment.build import build
from tf_translate.experiment.compare.cells import cell_state
from tf_translate.experiment.compare.cells.cell import Cell, overrides_of
from tf_translate.experiment.configure import resolve
from tf_translate.experiment.dataset import open_dataset
from tf_translate.experiment.eval_sets.directions import direction_names
from tf_translate.experiment.eval_sets.latent_edits import open_with_attributes
from tf_translate.experiment.training_summary import crops_text
from tf_translate.methods import registry


def check_data(cells: Sequence[Cell], report: Callable[[str], None]) -> None:
    """Opens the data of each method as its training and its evaluation will.

    Cells that were started are left out. Methods that share the settings of their data share one
    look at them.

    Args:
        cells: The cells.
        report: Called with lines on each look: splits, what is left out, sizes.

    Raises:
        ConfigError: If columns, values or images are missing, or the data have no such direction.
    """
    check_directions(cells)
    seen: dict[str, str] = {}
    for cell, config in _new(cells):
        layout = registry.find(config.method).layout
        key = json.dumps([layout, config.data.model_dump(mode="json"), _edited(config)])
        if key in seen:
            report(f"{cell.name} will see the same data as {seen[key]}")
            continue
        seen[key] = cell.name
        report(f"looking at the data as {cell.name} will see them")
        try:
            data = open_dataset(config)
            if _edited(config):
                open_with_attributes(config.data, config.evaluation.attributes)
        except (ConfigError, DataError) as error:
            message = f"the data do not fit {cell.name}: {error.message}"
            raise ConfigError(message, error.explanation) from error
        crops = crops_text(config)
        for line in [*data.found_lines(), *([crops] if crops else [])]:
            report(f"  {line}")


def check_directions(cells: Sequence[Cell]) -> None:
    """Whether the results of each method have the direction of the task; reads no data.

    Raises:
        ConfigError: If not.
    """
    for cell in {each.name: each for each in cells}.values():
        names = direction_names(resolve(cell.preset, overrides_of(cell.settings)))
        if cell.direction not in names:
            raise ConfigError(
                f"the direction of {cell.name} is {cell.direction!r}, but its results have "
                f"{', '.join(names)}; set `direction` of its layout to one of them"
            )


def check_networks(cells: Sequence[Cell]) -> None:
    """Builds the networks of each method that has no cell yet: images may be too small for them.

    Raises:
        ConfigError: If networks cannot be built.
    """
    for cell, config in _new(cells):
        try:
            build(config)
        except ConfigError as error:
            raise ConfigError(f"{cell.name} cannot be trained: {error.message}") from error


def _new(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Config]]:
    """The first cell of each method that was not started, and its configuration."""
    seen: set[str] = set()
    for cell in cells:
        if cell.name in seen or cell_state.state_of(cell) != cell_state.NEW:
            continue
        seen.add(cell.name)
        yield cell, resolve(cell.preset, overrides_of(cell.settings))


def _edited(config: Config) -> dict[str, list[str]]:
    """The attributes that a method which learns from images alone is evaluated on."""
    layout = registry.find(config.method).layout
    return dict(config.evaluation.attributes) if layout == "images" else {}
