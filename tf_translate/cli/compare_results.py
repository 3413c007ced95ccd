"""The commands of `tf-translate compare` that read finished cells: tables, report, claims."""

from pathlib import Path
from typing import Annotated

import typer

from tf_translate.cli.output import (
    JSON_HELP,
    load_tensorflow,
    message_console,
    print_json,
    print_notice,
    progress_console,
)


def collect_cells(
    folder: Annotated[Path, typer.Argument(help="Folder of comparisons, or of one task.")],
    output: Annotated[
        Path | None, typer.Option(help="JSON file to write; default: FOLDER/results.json.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Metric to print; repeatable. By default the first four."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Gather the metrics of all finished cells into one JSON file, and print a table.

    The table has the mean over seeds and the range of each metric, beside rows that do not depend
    on a method: the unchanged input, random target images, and the ground truth. The file also has
    the difference in completeness of each two methods, with its p-value.
    """
    load_tensorflow()
    from tf_translate.cli.compare_tables import print_results
    from tf_translate.experiment.compare.collect import collect, missing_files
    from tf_translate.experiment.compare.collect import write as write_results
    from tf_translate.experiment.compare.differences import with_differences

    results = with_differences(collect(folder), folder)
    file = write_results(results, output or folder / "results.json")
    if as_json:
        print_json(results)
    else:
        print_results(results, message_console(), metrics=metric or [])
    for sentence in missing_files(results):
        print_notice(sentence)
    message_console(as_json).print(f"all values of {len(results['cells'])} cells: {file}")


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of comparisons, or of one task.")],
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to write; default: FOLDER/report.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Write a page of all finished cells: tables, plots, images, and which differences are real.

    report.html is one file that loads nothing else. report.md is the same for documentation, with
    images as files. TASK_wall.png shows the same inputs by every method.

    Examples:

      tf-translate compare report runs/compare/glasses

      tf-translate compare report runs/compare --output docs/comparison
    """
    load_tensorflow()
    from tf_translate.experiment.compare.collect import collect, missing_files
    from tf_translate.experiment.compare.report.write_comparison import write_comparison

    results = collect(folder)
    files, summaries = write_comparison(results, folder, output or folder / "report")
    for sentence in missing_files(results):
        print_notice(sentence)
    for task in summaries:
        for note in task.notes:
            print_notice(f"{task.name}: {note}")
    if as_json:
        print_json({"files": list(map(str, files)), "notes": {t.name: t.notes for t in summaries}})
    message_console(as_json).print(f"report of {len(results['cells'])} cells: {files[0]}")


def costs(
    folder: Annotated[Path, typer.Argument(help="Folder of comparisons, or of one task.")],
    runs: Annotated[int, typer.Option(min=1, help="Timed translations after the first one.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Measure what a translation by each method costs, for `compare report`.

    Multiply-adds, parameters, and size and latency of the exported float32 and dynamic_int8 files
    do not depend on training: they are measured with fresh weights. It is refused while a
    comparison trains on this machine, and writes costs.json for each task.

    Examples:

      tf-translate compare costs runs/compare/glasses
    """
    load_tensorflow()
    from tf_translate.experiment.compare.costs import measure_costs, read_costs

    progress = progress_console(json_on_stdout=as_json)
    files = measure_costs(folder, runs=runs, report=progress.print)
    measured = {str(file): read_costs(file.parent) for file in files}
    if as_json:
        print_json(measured)
    for file, found in measured.items():
        failed = [name for name, each in (found or {})["methods"].items() if "reason" in each]
        message_console(as_json).print(f"costs: {file}")
        for name in failed:
            print_notice(f"{name} was not measured: {(found or {})['methods'][name]['reason']}")
    if any("reason" in each for f in measured.values() if f for each in f["methods"].values()):
        raise typer.Exit(1)


def show_ablations(
    folder: Annotated[Path, typer.Argument(help="Folder of comparisons, or of one task.")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Show what each loss term does: content and domain with all terms, and without it.

    A content term does what its role says if content falls without it, and by more than the
    domain; a domain term the reverse. Falls below 0.1 are no change. Content is whether the own
    source is recognized, domain whether the image is taken for the target ("coarse"). Where these
    hardly change, c and d of completeness decide ("fine").

    Example:

      tf-translate compare ablations runs/compare/glasses
    """
    load_tensorflow()
    from tf_translate.cli.compare_tables import print_ablations
    from tf_translate.experiment.compare.ablation_table import ablation_table
    from tf_translate.experiment.compare.collect import collect

    table = ablation_table(collect(folder))
    if as_json:
        print_json(table)
    else:
        print_ablations(table, message_console())


def show_claims(
    folder: Annotated[Path, typer.Argument(help="Folder of comparisons, or of one task.")],
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Test the seven claims of the survey on all finished cells of a folder.

    Each has a value with a 95 % interval and a verdict: supported, not supported, undecided at
    this size, or not measured, with the commands that measure it.

    Examples:

      tf-translate compare claims runs/compare

      tf-translate compare claims runs/compare --json > claims.json
    """
    load_tensorflow()
    from tf_translate.cli.compare_tables import print_claims
    from tf_translate.experiment.compare.claims.all_claims import find_all
    from tf_translate.experiment.compare.collect import collect
    from tf_translate.experiment.compare.cycle_noise import read_all

    findings = find_all(collect(folder), read_all(folder))
    if as_json:
        print_json({"claims": [each.as_dict() for each in findings]})
    else:
        print_claims(findings, message_console())


def measure_cycle_noise(
    run: Annotated[Path, typer.Argument(help="A run with its weights, such as a cell.")],
    images: Annotated[int, typer.Option(min=8, help="Largest number of images a domain.")] = 256,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Disturb the image between the two translations of a cycle, to see if it hides its input.

    For runs of cyclegan, dualgan and discogan. Noise and rounding to 8 bits disturb translated
    images, and real ones of the same domain. The results are cycle_noise.json in the run, which
    `compare claims` reads.

    Example:

      tf-translate compare cycle-noise runs/compare/glasses/cyclegan-0
    """
    load_tensorflow()
    from tf_translate.cli.compare_tables import print_cycles
    from tf_translate.experiment.compare.cycle_noise import FILE, measure_run
    from tf_translate.experiment.load_run import load_run

    results = measure_run(load_run(run), limit=images)
    if as_json:
        print_json(results)
    else:
        print_cycles(results, message_console())
    message_console(as_json).print(f"the cost for each image: {run / FILE}")
