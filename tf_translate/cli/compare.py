"""`tf-translate compare`: methods on one task, at an equal budget, with several seeds."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_translate.cli import compare_results
from tf_translate.cli.completion import complete_tasks
from tf_translate.cli.output import (
    counted_progress,
    load_tensorflow,
    message_console,
    print_notice,
    progress_console,
)

if TYPE_CHECKING:
    from tf_translate.experiment.compare.cells.cell import Cell
    from tf_translate.experiment.compare.cells.comparison import Comparison
    from tf_translate.experiment.step_timing import StepTime

app = typer.Typer(
    help="Compare methods on one task: equal data, held-out images, judges and training time.",
    no_args_is_help=True,
)

TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK|FILE.toml",
        autocompletion=complete_tasks,
        help="A task (glasses, paired, unpaired, digits, ordinal) or a task file of your own.",
    ),
]
Methods = Annotated[
    str, typer.Option(metavar="A,B", help="Methods of the task, by default all that apply.")
]
Seeds = Annotated[int, typer.Option(help="Number of seeds, from 0.")]
Budget = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES", help="Minutes of training of a cell; default: those of the task."
    ),
]
RunFolder = Annotated[
    Path, typer.Option(help="Folder of comparisons; a cell is in RUN/TASK/METHOD-SEED.")
]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of the data; default: where they are fetched to, or that of the task file.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of all cells. Repeatable."),
]
WithAblations = Annotated[
    bool,
    typer.Option(
        "--ablations",
        help="Run ablations instead: a cell of each method with all its loss terms, and for "
        "each term one without it.",
    ),
]
KeepWeights = Annotated[
    bool,
    typer.Option(
        "--keep-weights",
        help="Keep checkpoints, model, evaluated images and judges of each finished cell; also "
        "when the comparison goes on later.",
    ),
]


@app.command("run")
def run_cells(
    context: typer.Context,
    task: TaskArgument,
    methods: Methods = "",
    seeds: Seeds = 3,
    budget: Budget = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cells at once, each on its own core.")] = 1,
    run: RunFolder = Path("runs/compare"),
    cell: Annotated[
        str | None,
        typer.Option(metavar="METHOD:SEED", help="Run this cell only, as `compare plan` prints."),
    ] = None,
    data: Data = None,
    set_: Settings = None,
    keep_weights: KeepWeights = False,
    ablations: WithAblations = False,
) -> None:
    """Train and evaluate every method of a task with several seeds.

    A cell is a method and a seed. Each trains for the same minutes on one core, and keeps
    configuration, history, metrics and a grid of images. The same command continues after Ctrl-C
    or a kill: finished cells are not run again.

    Examples:

      tf-translate compare run paired --seeds 1 --budget 5

      tf-translate compare run glasses --jobs 2 --run runs/compare

      tf-translate compare run my_task.toml --methods cyclegan,dualgan

      tf-translate compare run paired --methods pix2pix --ablations --seeds 1 --budget 10
    """
    load_tensorflow()
    from tf_translate.cli.compare_tables import LiveTable
    from tf_translate.errors import ConfigError
    from tf_translate.experiment.compare import cores, prepare
    from tf_translate.experiment.compare.cells import cell_state
    from tf_translate.experiment.compare.cells.cell import cell_command
    from tf_translate.experiment.compare.cells.choose_cells import choose_cells, find_cell
    from tf_translate.experiment.compare.check_data import check_data, check_networks
    from tf_translate.experiment.compare.run_cells import FAILED
    from tf_translate.experiment.compare.run_cells import run_cells as run_all

    if jobs > cores.count_cores():
        raise ConfigError(
            f"--jobs must be at most the {cores.count_cores()} cores that are available, got {jobs}"
        )
    comparison = _comparison(task, run, data, budget, set_)
    if cell is not None:
        chosen = [find_cell(comparison, cell)]
    else:
        chosen = choose_cells(comparison, _names(methods), seeds, ablations=ablations)
    progress = progress_console()
    if not cell:
        _print_not_compared(comparison)
        for line in _refused_terms(comparison, chosen):
            progress.print(f"not switched off: {line}", highlight=False, soft_wrap=True)
    if data is None:
        _fetch(comparison)
    check_data(chosen, functools.partial(progress.print, highlight=False, soft_wrap=True))
    prepare.write_pretrained(comparison, progress.print)
    check_networks(chosen)
    if comparison.fixed_steps is not None:
        message_console().print(comparison.fixed_steps.sentence(), highlight=False, soft_wrap=True)
    _print_shortened(comparison, chosen)
    prepare.check_record(comparison, chosen)
    prepare.write_about(comparison)
    if prepare.keeps_weights(comparison.folder, keep_weights) and not keep_weights:
        print_notice("weights are kept, as --keep-weights was given in this folder before")
        keep_weights = True
    prepare.check_judging_networks(chosen)
    if not cores.can_pin():
        print_notice(
            "this system cannot pin processes to cores: each cell gets one thread, and may move"
        )
    imports, options = _imports(context), _options(budget, data, set_, keep_weights)

    def finish(done: "Cell", core: int | None) -> None:
        cell_state.finish(
            done,
            task=comparison.name,
            command=cell_command(task, done, run, options, imports),
            core=core,
            keep_weights=keep_weights,
        )

    with LiveTable(progress) as table:
        results, interrupted = run_all(
            chosen,
            jobs=jobs,
            finish=finish,
            show=table.show,
            imports=imports,
            report=print_notice,
        )
    if interrupted:
        started = any(cell_state.state_of(each) != cell_state.NEW for each in chosen)
        said = "stopped, everything is saved" if started else "stopped before a cell saved anything"
        message_console().print(f"{said}; the same command goes on")
        raise typer.Exit(130)
    failed = [each for each in results if each.state == FAILED]
    for each in failed:
        print_notice(f"{each.cell.id} failed: {each.message}")
    if failed:
        raise typer.Exit(1)
    then = "ablations" if ablations else "collect"
    message_console().print(f"done; next: tf-translate compare {then} {comparison.folder}")


@app.command("steps")
def fix_steps(
    context: typer.Context,
    task: TaskArgument,
    methods: Methods = "",
    budget: Budget = None,
    jobs: Annotated[int, typer.Option(min=1, help="Methods at once; as many as cells later.")] = 1,
    run: RunFolder = Path("runs/compare"),
    data: Data = None,
    set_: Settings = None,
) -> None:
    """Time all methods of a task once, so that their cells may run on several machines.

    Each method takes a few steps on a core of its own. RUN/TASK/steps.json keeps the times. With
    that file, the cells of `compare run` take the steps that fit into their minutes on this
    machine, wherever and whenever they run. Run nothing else meanwhile. Methods that the file has
    keep their times. Name two or three of these beside those that you add: they are timed again,
    and the new times are scaled by the median of their ratios.

    Examples:

      tf-translate compare steps glasses --jobs 2

      tf-translate compare steps paired --methods pix2pix,cyclegan
    """
    load_tensorflow()
    from tf_translate.experiment.compare import fixed_steps, prepare
    from tf_translate.experiment.compare.cells import cell_state
    from tf_translate.experiment.compare.cells.choose_cells import choose_cells

    minutes = _comparison(task, run, data, budget, set_).minutes
    comparison = _comparison(task, run, data, None, set_)  # a budget would change settings
    cells = choose_cells(comparison, _names(methods), 1)
    if data is None:
        _fetch(comparison)
    prepare.write_pretrained(comparison, progress_console().print)
    record = {"machine": cell_state.machine(), "versions": cell_state.versions()}

    def report(name: str, time: "StepTime", timed: str) -> None:
        shared = "" if timed == name else f", as {timed}, whose training it shares"
        message_console().print(
            f"{name}: {time.seconds:.3g} s a step, {time.steps_in(minutes):,} steps in "
            f"{minutes:g} minutes{shared}",
            highlight=False,
        )

    file = fixed_steps.measure_steps(
        cells,
        comparison.folder,
        jobs=jobs,
        trained_as=comparison.task.trained_as,
        record=record,
        imports=_imports(context),
        report=report,
    )
    message_console().print(f"wrote {file}; next: tf-translate compare run {task} --run {run}")


@app.command("plan")
def plan(
    context: typer.Context,
    task: TaskArgument,
    methods: Methods = "",
    seeds: Seeds = 3,
    budget: Budget = None,
    run: RunFolder = Path("runs/compare"),
    data: Data = None,
    set_: Settings = None,
    keep_weights: KeepWeights = False,
    ablations: WithAblations = False,
) -> None:
    """Print the cells of a task as independent shell commands, one a line.

    They may run in any order, and at the same time on hosts that share the folder RUN. Lines that
    start with # are for people; the data are fetched first if that is one of them.

    Examples:

      tf-translate compare plan glasses | grep -v '^#' | xargs -P 2 -d '\\n' -n 1 sh -c

      tf-translate compare plan glasses > cells.txt

      tf-translate compare plan glasses --ablations --seeds 1 --budget 10 > ablations.txt
    """
    load_tensorflow()
    from tf_translate.experiment.compare.cells.cell import cell_command
    from tf_translate.experiment.compare.cells.choose_cells import choose_cells
    from tf_translate.experiment.compare.check_data import check_directions
    from tf_translate.experiment.compare.prepare import fetch_command

    comparison = _comparison(task, run, data, budget, set_)
    cells = choose_cells(comparison, _names(methods), seeds, ablations=ablations)
    check_directions(cells)
    fetch = fetch_command(comparison.task) if data is None else None
    if fetch is not None:
        print(f"# first: {fetch}")
    for line in _not_compared(comparison):
        print(f"# {line}")
    for line in _refused_terms(comparison, cells):
        print(f"# not switched off: {line}")
    options = _options(budget, data, set_, keep_weights)
    for cell in cells:
        print(cell_command(task, cell, run, options, _imports(context)))


app.command("collect")(compare_results.collect_cells)
app.command("report")(compare_results.report)
app.command("costs")(compare_results.costs)
app.command("ablations")(compare_results.show_ablations)
app.command("claims")(compare_results.show_claims)
app.command("cycle-noise")(compare_results.measure_cycle_noise)


def _comparison(
    task: str, run: Path, data: Path | None, budget: float | None, overrides: list[str] | None
) -> "Comparison":
    from tf_translate.config.task import load_task
    from tf_translate.experiment.compare.cells.comparison import make_comparison
    from tf_translate.experiment.compare.prepare import data_folder

    name, found = load_task(task)
    return make_comparison(
        name,
        found,
        run=run,
        data=data_folder(found, task, data),
        minutes=budget,
        overrides=overrides or [],
    )


def _names(methods: str) -> list[str]:
    return [name.strip() for name in methods.split(",") if name.strip()]


def _options(
    budget: float | None, data: Path | None, overrides: list[str] | None, keep_weights: bool
) -> list[str]:
    """The options of `compare run` that a cell shares with all others."""
    return [
        *(["--budget", f"{budget:g}"] if budget is not None else []),
        *(["--data", str(data)] if data is not None else []),
        *(part for setting in overrides or [] for part in ("--set", setting)),
        *(["--keep-weights"] if keep_weights else []),
    ]


def _not_compared(comparison: "Comparison") -> list[str]:
    """A line for each method that is left out: it needs more supervision, or is not listed."""
    from tf_translate.experiment.compare.cells.supervision import lacking_supervision, not_compared

    lacking = lacking_supervision(comparison.task)
    return [
        f"not {'applicable' if name in lacking else 'compared'}: {name}: {reason}"
        for name, reason in not_compared(comparison.task).items()
    ]


def _print_shortened(comparison: "Comparison", cells: Sequence["Cell"]) -> None:
    """Says which settings of each method shrink with the budget."""
    from tf_translate.experiment.compare.ablations import method_of

    for name in dict.fromkeys(method_of(each.name) for each in cells):
        found = comparison.shortened(name)
        if found:
            values = ", ".join(f"{key} = {value:g}" for key, value in found.items())
            minutes = f"{comparison.minutes:g} of {comparison.task.minutes:g} minutes"
            print_notice(f"{name}: with {minutes}, settings that count steps shrink: {values}")


def _print_not_compared(comparison: "Comparison") -> None:
    for line in _not_compared(comparison):
        progress_console().print(line)


def _refused_terms(comparison: "Comparison", cells: Sequence["Cell"]) -> list[str]:
    """Loss terms of the methods of ablations that cannot be switched off, with the reasons."""
    methods = dict.fromkeys(each.ablation.method for each in cells if each.ablation is not None)
    return [
        f"{method} {term}: {reason}"
        for method in methods
        for term, reason in comparison.ablations(method).refused.items()
    ]


def _fetch(comparison: "Comparison") -> None:
    from tf_translate.experiment.compare.prepare import fetch_data

    with counted_progress("fetching the data") as progress:
        fetch_data(comparison.task, progress)


def _imports(context: typer.Context) -> list[Path]:
    """The Python files of `tf-translate --import`, which the cells import too."""
    return list(context.find_root().params.get("files") or [])
