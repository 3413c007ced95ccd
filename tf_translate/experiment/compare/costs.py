"""What a translation by each method costs: multiply-adds, parameters, size and latency.

None of it depends on training, so it is measured with fresh weights of the configuration that the
cells of a method share, and only while no comparison trains on this machine.
"""

import datetime
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

import exporters
from exporters.benchmark.benchmark import Timing, benchmark
from tf_translate.atomic_files import write_text_atomically
from tf_translate.config.setting_errors import first_reason
from tf_translate.core.translator import Translator
from tf_translate.errors import RunError, TranslateError
from tf_translate.experiment.build import build
from tf_translate.experiment.compare import cores
from tf_translate.experiment.compare.cells.cell_state import CELL, machine
from tf_translate.experiment.compare.cells.read_cell import Finite, read_record
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.eval_sets.latent_edits import PAINTED
from tf_translate.version import __version__

COSTS = "costs.json"  # in the folder of a task
RECIPES = ("float32", "dynamic_int8")
RUNS = 20
_THREADS = 1
_FLOAT = "float32"


class _Recipe(BaseModel):
    size_bytes: Annotated[int, Field(ge=0)]
    median_ms: Finite


class _Measured(BaseModel):
    multiply_adds: Annotated[int, Field(ge=0)]
    parameters: Annotated[int, Field(ge=0)]
    float32: _Recipe
    dynamic_int8: _Recipe


class _NotMeasured(BaseModel):
    reason: str


class _Machine(BaseModel):
    cores: int


class _Costs(BaseModel):
    """What `costs.json` must hold; other keys are let pass."""

    model_config = ConfigDict(strict=True)

    threads: int
    runs: int
    machine: _Machine
    load_before: Finite | None = None
    runtime: str
    methods: dict[str, _NotMeasured | _Measured]


def measure_costs(
    folder: Path, *, runs: int = RUNS, report: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Measures every method with a finished cell, and writes `costs.json` for each task.

    Args:
        folder: Folder of comparisons, or of one task.
        runs: Timed translations after the first one.
        report: Called with a line for each method.

    Returns:
        The files.

    Raises:
        RunError: If there is no finished cell, or a comparison trains on this machine.
    """
    cells = _first_cells(folder)
    if not cells:
        raise RunError(f"{folder} has no finished cell to take configurations from")
    with _all_cores():
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        return [
            _write(task, _measure_task(methods, runs, report), runs, load)
            for task, methods in cells.items()
        ]


def read_costs(folder: Path) -> dict[str, Any] | None:
    """The costs of a task from its folder; None if they were not measured.

    Raises:
        RunError: If the file is broken.
    """
    file = folder / COSTS
    if not file.is_file():
        return None
    try:
        costs = json.loads(file.read_text("utf-8"))
        _Costs.model_validate_json(json.dumps(costs))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            f"{file} is broken: {first_reason(error)}; delete it and run `tf-translate compare "
            "costs` again"
        ) from error
    return costs


def signatures_of(translator: Translator, direction: str, edit: str | None = None) -> list[str]:
    """The signatures that a translation in a direction calls, in order.

    An edit by latent arithmetic is `encode` and `decode`; one by the photo editor is `edit`.

    Args:
        translator: The method.
        direction: Direction that is the task.
        edit: `evaluation.signature`: the one whose edits of attributes are measured.
    """
    signatures = translator.signatures()
    if translator.layout in ("paired", "unpaired"):
        return [translator.directions[direction]]
    if translator.layout == "attributes":
        return [edit or "translate"]
    if direction in signatures:
        return [direction]
    return ["edit"] if direction.endswith(PAINTED) else ["encode", "decode"]


def measure_cell(folder: Path, direction: str, *, runs: int = RUNS) -> dict[str, Any]:
    """Measures a method, exported with fresh weights for one direction.

    Args:
        folder: A cell, for its configuration.
        direction: Direction that is the task.
        runs: Timed translations after the first one.

    Returns:
        JSON values: `signatures`, `multiply_adds` and `parameters` of one translation, and for
        each of RECIPES its `size_bytes` and `median_ms`.
    """
    config = read_config(folder)
    translator = build(config)
    names = signatures_of(translator, direction, config.evaluation.signature)
    chosen = {name: translator.signatures()[name] for name in names}
    with tempfile.TemporaryDirectory(prefix="tf_translate-costs-") as temporary:
        bundle = Path(temporary) / "bundle"
        exporters.export(chosen, bundle, recipes=RECIPES, keep_saved_model=False)
        timings = benchmark(bundle, threads=(_THREADS,), runs=runs)
    own = [each for each in timings if each.signature in chosen]  # not those of uint8 images
    in_float = [each for each in own if each.recipe == _FLOAT]
    return {
        "signatures": names,
        "multiply_adds": sum(each.multiply_adds for each in in_float),
        "parameters": in_float[0].parameters,
        **{recipe: _of_recipe([t for t in own if t.recipe == recipe]) for recipe in RECIPES},
    }


def _of_recipe(timings: Sequence[Timing]) -> dict[str, float]:
    return {
        "size_bytes": timings[0].size_bytes,
        "median_ms": round(sum(each.median_ms for each in timings), 3),
    }


def _measure_task(
    methods: Mapping[str, Path], runs: int, report: Callable[[str], None]
) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    for name, folder in methods.items():
        direction = read_record(folder / CELL).direction
        try:
            measured[name] = measure_cell(folder, direction, runs=runs)
        except (TranslateError, exporters.ExportError) as error:
            measured[name] = {"reason": str(error)}
            report(f"{name} was not measured: {error}")
            continue
        times = ", ".join(f"{measured[name][each]['median_ms']:.1f} ms {each}" for each in RECIPES)
        report(
            f"{name}: {measured[name]['multiply_adds'] / 1e6:,.0f} million multiply-adds, {times}"
        )
    return measured


def _first_cells(folder: Path) -> dict[Path, dict[str, Path]]:
    """The first finished cell of each method, by the folder of its task and its name."""
    found: dict[Path, dict[str, Path]] = {}
    for file in sorted(folder.glob("**/" + CELL)):
        record = read_record(file)
        if record.ablation is None:  # an ablation has the graph of its method
            found.setdefault(file.parent.parent, {}).setdefault(record.name, file.parent)
    return found


@contextmanager
def _all_cores() -> Iterator[None]:
    """Holds all cores, so that no comparison starts a cell while times are taken."""
    with ExitStack() as stack:
        wanted = cores.count_cores() if cores.can_pin() else 0
        for _ in range(wanted):
            core = cores.free_core()
            if core is None:
                raise RunError(
                    "a comparison is training on this machine, which would lengthen the times; "
                    "run `tf-translate compare costs` when it has ended"
                )
            stack.callback(core.release)
        yield


def _write(task: Path, methods: Mapping[str, Any], runs: int, load: float | None) -> Path:
    costs = {
        "threads": _THREADS,
        "runs": runs,
        "machine": machine(),
        "load_before": load,
        "runtime": f"LiteRT {version('ai-edge-litert')}",
        "version": __version__,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "methods": dict(methods),
    }
    text = json.dumps(costs, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    write_text_atomically(task / COSTS, text)
    return task / COSTS
