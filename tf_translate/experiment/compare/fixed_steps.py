"""The number of steps of each method of a task, from step times that were measured at once.

Cells that train for equal minutes are comparable on one machine that does nothing else. With the
file of this module, all methods are timed on one machine, as many at once as cells will run, and
each cell takes the steps that fit. Then cells may run on other machines, on other days, or beside
other work.

Methods may be added later. Some of those that were timed are then timed again, and the new times
are multiplied by how much faster these were, by the median: the machine may be another one, or
busier.
"""

import datetime
import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

from pydantic import BaseModel, Field

from tf_translate.atomic_files import write_text_atomically
from tf_translate.config.setting_errors import first_reason
from tf_translate.errors import RunError
from tf_translate.experiment.compare import cores
from tf_translate.experiment.compare.cells.cell import Cell, overrides_of
from tf_translate.experiment.step_timing import SlowStart, StepTime

STEPS = "steps.json"  # in the folder of a task
_NOT_COMPARED = ("training.seed", "training.minutes", "training.steps")
# A child process, pinned before TensorFlow counts the cores.
_PINNED = (
    "import os, sys; core = int(sys.argv[1]); "
    "core < 0 or os.sched_setaffinity(0, {core}); "
    "from tf_translate.experiment.compare.fixed_steps import main; main()"
)
_PATH = re.compile(r"[/\\]")
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _SlowStart(BaseModel):
    steps: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(allow_inf_nan=False)]
    fraction: Annotated[float, Field(gt=0, le=1)]


class _Method(BaseModel):
    first: _Seconds
    seconds: _Seconds
    unit: Annotated[int, Field(ge=1)]
    stages: Annotated[dict[str, _Seconds], Field(min_length=1)]
    slow_starts: dict[str, _SlowStart] = {}
    settings: dict[str, Any]
    scaled_by: dict[str, float] = {}


class _Steps(BaseModel):
    machine: dict[str, Any]
    date: str
    jobs: int = 1
    methods: dict[str, _Method]


@dataclass(frozen=True)
class FixedSteps:
    """Step times of methods, by name, with the settings they were measured with.

    Attributes:
        file: Where they were read from.
        measured: `machine` and `date` of the measurement.
        times: Step times of each method.
        settings: Settings of each method: "group.setting" to value.
    """

    file: Path
    measured: Mapping[str, Any]
    times: Mapping[str, StepTime]
    settings: Mapping[str, Mapping[str, Any]]

    def sentence(self) -> str:
        """Where the steps of cells come from, for people."""
        machine, date = self.measured["machine"], str(self.measured["date"])[:10]
        return (
            f"the steps of {', '.join(self.times)} are those of {self.file}, measured on "
            f"{machine.get('processor')} on {date}; training takes as long as it takes"
        )

    def steps(self, name: str, settings: Mapping[str, Any], minutes: float) -> int | None:
        """The steps of a method that fit into a time; None if it was not timed.

        Args:
            name: Name of the method in the task.
            settings: Settings of its cells.
            minutes: The time.

        Raises:
            RunError: If it was timed with other settings.
        """
        if name not in self.times:
            return None
        before, now = self.settings[name], settings_to_compare(settings)
        different = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        if different:
            key = different[0]
            raise RunError(
                f"{name} was timed with {key} = {before.get(key)!r}, not {now.get(key)!r}: see "
                f"{self.file}; repeat these settings, or choose another --run"
            )
        return self.times[name].steps_in(minutes)


def settings_to_compare(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a step time depends on, as JSON values.

    Paths are left out: data are elsewhere on another machine.
    """
    return {
        key: value
        for key, value in json.loads(json.dumps(dict(settings))).items()
        if key not in _NOT_COMPARED and not (isinstance(value, str) and _PATH.search(value))
    }


def read_steps(folder: Path) -> FixedSteps | None:
    """The step times in the folder of a task; None if there are none.

    Raises:
        RunError: If the file is broken.
    """
    file = folder / STEPS
    if not file.is_file():
        return None
    try:
        found = _Steps.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{file} is broken: {first_reason(error)}; delete it and run `tf-translate compare "
            "steps` again"
        ) from error
    return FixedSteps(
        file,
        {"machine": found.machine, "date": found.date},
        {name: _step_time(each.model_dump()) for name, each in found.methods.items()},
        {name: each.settings for name, each in found.methods.items()},
    )


def measure_steps(
    cells: Sequence[Cell],
    folder: Path,
    *,
    jobs: int,
    trained_as: Callable[[str], str],
    record: Mapping[str, Any],
    imports: Sequence[Path] = (),
    report: Callable[[str, StepTime, str], None],
) -> Path:
    """Times each method on a core of its own, and writes them into `steps.json`.

    Args:
        cells: A cell of each method.
        folder: Folder of the task.
        jobs: Number of methods at once: as many as cells will run at once.
        trained_as: The method whose training one shares, by their names in the task. Of methods
            that share one, the first is timed, and the others take its times.
        record: What a new file says of the machine and the versions.
        imports: Python files that register methods.
        report: Called with the name of a method, its times, and the method that was timed.

    Returns:
        The file.

    Raises:
        RunError: If all methods are in the file already, none of the file is among the cells, or a
            method cannot be timed.
    """
    before = _read(folder)
    known = before["methods"] if before else {}
    new = [cell for cell in cells if cell.name not in known]
    if not new:
        raise RunError(
            f"{folder / STEPS} has times of {', '.join(known)} already; the cells of a comparison "
            "take the steps it says: delete the file, or choose another --run"
        )
    again = [cell for cell in cells if cell.name in known]
    first_of: dict[str, str] = {}  # training -> the method that is timed
    for name in (*known, *(cell.name for cell in new)):
        first_of.setdefault(trained_as(name), name)
    untimed = [cell for cell in new if first_of[trained_as(cell.name)] == cell.name]
    if not untimed:
        again = []  # nothing to scale
    elif before and not again:
        raise RunError(
            f"{folder / STEPS} has times of {', '.join(known)}; add two or three of them to "
            "--methods, so that the new times can be compared with theirs"
        )
    if before and before.get("jobs", 1) != jobs:
        raise RunError(
            f"--jobs must be {before.get('jobs', 1)}, as in {folder / STEPS}, got {jobs}: methods "
            "that run beside others take longer"
        )
    time = functools.partial(_time_cell, imports=[str(each) for each in imports])
    with ThreadPoolExecutor(jobs) as pool:
        timed = pool.map(time, [*again, *untimed])
        times = {cell.name: found for cell, found in zip([*again, *untimed], timed, strict=True)}
    ratios = {c.name: known[c.name]["seconds"] / times[c.name].seconds for c in again}
    found: dict[str, Any] = {}
    for cell in new:
        settings = {"settings": settings_to_compare(cell.settings)}
        source = first_of[trained_as(cell.name)]
        if source != cell.name:
            found[cell.name] = {**known, **found}[source] | settings
        else:
            scaled = times[cell.name].scaled(median(ratios.values()) if ratios else 1.0)
            found[cell.name] = asdict(scaled) | settings | ({"scaled_by": ratios} if ratios else {})
        report(cell.name, _step_time(found[cell.name]), source)
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    values = before or {**record, "jobs": jobs, "date": date}
    text = json.dumps({**values, "methods": {**known, **found}}, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / STEPS
    write_text_atomically(file, text)
    return file


def _step_time(values: Mapping[str, Any]) -> StepTime:
    """Step times from their JSON values, which may hold more."""
    slow = {stage: SlowStart(**each) for stage, each in values.get("slow_starts", {}).items()}
    own = {name: values[name] for name in ("first", "seconds", "unit", "stages")}
    return StepTime(**own, slow_starts=slow)


def _read(folder: Path) -> dict[str, Any] | None:
    """The plain JSON values of `steps.json`, which are checked; None if there is none."""
    if read_steps(folder) is None:
        return None
    return json.loads((folder / STEPS).read_text("utf-8"))


def _time_cell(cell: Cell, imports: Sequence[str]) -> StepTime:
    core = cores.free_core()
    if core is None:
        raise RunError(
            f"{cell.name} cannot be timed: all cores are held by comparisons; wait for their end"
        )
    try:
        request = {"preset": cell.preset, "overrides": overrides_of(cell.settings)}
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PINNED, str(-1 if core.index is None else core.index)],
            input=json.dumps({**request, "imports": list(imports)}),
            capture_output=True,
            encoding="utf-8",
            pass_fds=core.inherited,
            check=False,
        )
    finally:
        core.release()
    lines = done.stdout.splitlines()
    try:
        return _step_time(json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError, KeyError) as error:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise RunError(f"{cell.name} cannot be timed: {last}") from error


def main() -> None:
    """Times the training that standard input describes, and prints its times as JSON."""
    from tf_translate.config.import_file import import_file
    from tf_translate.experiment.configure import resolve
    from tf_translate.experiment.train import measure_step_time

    request = json.load(sys.stdin)
    for file in request["imports"]:
        import_file(Path(file))
    found = measure_step_time(resolve(request["preset"], request["overrides"]))
    print(json.dumps(asdict(found)))
