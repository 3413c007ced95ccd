"""`tf-translate benchmark`: times a bundle on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tf_translate.cli.model_limits import (
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_TIME_LIMIT,
    MemoryLimit,
    TimeLimit,
    make_limits,
)
from tf_translate.cli.output import JSON_HELP, message_console, print_json, wrapping_table
from tf_translate.errors import ConfigError

if TYPE_CHECKING:  # loading exporters would slow every command down
    from exporters import Limits

NAME = "benchmark"

BundleFolder = Annotated[Path, typer.Argument(help="A bundle made by `export`.")]
Threads = Annotated[
    list[int] | None,
    typer.Option(help="Processor threads; may be repeated; default 1 and 2."),
]
Runs = Annotated[int, typer.Option(help="Timed calls after the first.")]
RunLitertBenchmark = Annotated[
    bool,
    typer.Option(
        "--litert-benchmark", help="Also run LiteRT's own program, which reports delegation."
    ),
]
OtherNetwork = Annotated[
    Path | None,
    typer.Option(
        help="The same network as .onnx (ONNX Runtime) or .pt (TorchScript), timed alternately."
    ),
]
SignatureName = Annotated[
    str | None, typer.Option(help="Which signature to compare; default the first.")
]
WriteCard = Annotated[
    bool,
    typer.Option(
        "--card",
        help="Also write the times into the bundle's card.md, with processor and date. They "
        "replace earlier ones of the same processor. Hashes are updated, so `verify` passes.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def main(
    bundle: BundleFolder,
    threads: Threads = None,
    runs: Runs = 20,
    litert_benchmark: RunLitertBenchmark = False,
    compare: OtherNetwork = None,
    signature: SignatureName = None,
    card: WriteCard = False,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    memory_limit: MemoryLimit = DEFAULT_MEMORY_LIMIT,
    as_json: AsJson = False,
) -> None:
    """Time every .tflite file of a bundle on this machine, each in a separate process.

    Nothing is written unless --card is given.

    Examples:

      tf-translate benchmark bundles/emoji

      tf-translate benchmark bundles/emoji --card

      tf-translate benchmark bundles/emoji --threads 4 --runs 50 --litert-benchmark

      tf-translate benchmark bundles/emoji --compare emoji.onnx --signature a_to_b --threads 2
    """
    counts = threads or [1, 2]
    limits = make_limits(time_limit, memory_limit)
    if compare is None and signature is not None:
        raise ConfigError(
            "--signature chooses what --compare times, and without it all signatures are timed; "
            "leave --signature out, or give --compare"
        )
    if compare is not None and litert_benchmark:
        raise ConfigError(
            "--litert-benchmark reports on the files of a bundle alone, and --compare times them "
            "against another network; leave one of them out"
        )
    if compare is None:
        _time(
            bundle,
            counts,
            runs,
            as_json,
            litert_benchmark=litert_benchmark,
            card=card,
            limits=limits,
        )
        return
    if card:
        raise ConfigError(
            "--card stores the times of all files, and --compare times them against another "
            "network; leave one of them out"
        )
    import exporters

    rows = [
        row.as_dict()
        for count in counts
        for row in exporters.compare(
            bundle, compare, signature=signature, threads=count, rounds=runs, limits=limits
        )
    ]
    _show({"comparisons": rows}, [_ratios(rows)], as_json)


def _time(
    bundle: Path,
    threads: list[int],
    runs: int,
    as_json: bool,
    *,
    litert_benchmark: bool,
    card: bool,
    limits: "Limits",
) -> None:
    """Times every file; optionally runs litert-benchmark, and writes times onto the card."""
    import exporters
    from exporters.benchmark.latency_record import check_unchanged

    if card:
        check_unchanged(exporters.open_bundle(bundle))  # before minutes of measuring
    timings = exporters.benchmark(
        bundle,
        threads=threads,
        runs=runs,
        run_litert_benchmark=litert_benchmark,
        limits=limits,
    )
    written = str(exporters.keep_latency(bundle, timings)) if card else None
    rows = [timing.as_dict() for timing in timings]
    _show({"timings": rows, "card": written}, [_speeds(rows), _sizes(rows)], as_json)
    if written and not as_json:
        message_console().print(f"card: {written}", soft_wrap=True)


def _show(content: dict[str, Any], tables: list[Table], as_json: bool) -> None:
    if as_json:
        print_json(content)
        return
    for table in tables:
        message_console().print(table)


def _speeds(rows: list[dict[str, Any]]) -> Table:
    table = wrapping_table(
        "recipe", "signature", "threads", "median ms", "p90 ms", "first ms", "peak MB", names=2
    )
    has_delegation = any(row["litert_benchmark"] for row in rows)
    if has_delegation:
        table.add_column("delegated")
    for row in rows:
        accelerated = (row["litert_benchmark"] or {"fully_accelerated": None})["fully_accelerated"]
        delegated = "unknown" if accelerated is None else "fully" if accelerated else "partly"
        table.add_row(
            row["recipe"],
            row["signature"],
            str(row["threads"]),
            *(f"{row[name]:.2f}" for name in ("median_ms", "p90_ms", "first_ms")),
            f"{row['peak_mb']:.0f}",
            *([delegated] if has_delegation else []),
        )
    return table


def _sizes(rows: list[dict[str, Any]]) -> Table:
    table = wrapping_table(
        "recipe", "signature", "file MB", "M parameters", "M multiply-adds", names=2
    )
    one_each = {(row["recipe"], row["signature"]): row for row in rows}
    for (recipe, signature), row in one_each.items():
        sizes = (row["size_bytes"] / 1e6, row["parameters"] / 1e6, row["multiply_adds"] / 1e6)
        table.add_row(recipe, signature, *(f"{size:.3f}" for size in sizes))
    return table


def _ratios(rows: list[dict[str, Any]]) -> Table:
    table = wrapping_table(
        "recipe", "threads", "ms", "other ms", "ratio (p10 to p90)", "difference"
    )
    for row in rows:
        table.add_row(
            row["recipe"],
            str(row["threads"]),
            f"{row['median_ms']:.2f}",
            f"{row['other_median_ms']:.2f}",
            f"{row['ratio']:.3f} ({row['ratio_p10']:.3f} to {row['ratio_p90']:.3f})",
            f"{row['max_abs']:.2g}",
        )
    return table
