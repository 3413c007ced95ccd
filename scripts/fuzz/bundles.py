"""Runs commands on bundles that someone broke or forged, and counts what goes wrong.

scripts/bench fuzz_bundles [--seed 0] [--count 2000] [--folder NEW] [--workers 2]

Each bundle is changed in one way (`scripts.fuzz.bundle_mutations`) and given to one of `verify`,
`lint`, `translate` and `benchmark`, called as on the command line. Workers call many commands
one after another; a command that ends its worker is counted as a signal, and another worker goes
on. A model that ends its own child process is refused, as it should be. Writes
fuzz_bundles.json. Takes about an hour on two cores.
"""

import argparse
import datetime
import json
import os
import queue
import shlex
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from scripts.benchmarks.machine import machine, versions, with_root_on_path
from scripts.stress.whole_number import whole_number

WORKER = "scripts.fuzz.bundles_worker"
HANG = 60.0  # seconds
_PATIENCE = 300.0  # seconds without a line before a worker is ended


def main(options: argparse.Namespace) -> None:
    """Fuzzes and writes the result."""
    if options.folder.exists():
        sys.exit(f"--folder must be new, {options.folder} already exists")
    options.folder.mkdir(parents=True)
    folder = options.folder.absolute()
    subprocess.run(
        [sys.executable, "-P", "-m", WORKER, "--export", str(folder)],
        check=True,
        env=_environment(folder, "export"),
    )
    waiting: queue.Queue[int] = queue.Queue()
    for index in range(options.count):
        waiting.put(index)
    rows: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=_work, args=(folder, options.seed, number, waiting, rows))
        for number in range(options.workers)
    ]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(60.0)
            if rows:
                write(folder, options, [*rows], time.monotonic() - start)
    write(folder, options, rows, time.monotonic() - start)
    print(json.dumps(counts(rows), indent=1))


def write(
    folder: Path, options: argparse.Namespace, rows: list[dict[str, Any]], seconds: float
) -> None:
    """Writes the result so far."""
    result = {
        "command": shlex.join(["scripts/bench", "fuzz_bundles", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(("tensorflow", "ai-edge-litert", "numpy")),
        "seed": options.seed,
        "minutes": round(seconds / 60, 1),
        "counts": counts(rows),
        "by_kind": {
            kind: counts([row for row in rows if row["kind"] == kind])
            for kind in sorted({row["kind"] for row in rows})
        },
        "by_command": dict(sorted(Counter(row["command"] for row in rows).items())),
        "slowest_seconds": max(row["seconds"] for row in rows),
        "failures": [row for row in rows if row["outcome"] not in ("refused", "passed")],
    }
    (folder / "fuzz_bundles.json").write_text(json.dumps(result, indent=1) + "\n")


def counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many bundles had each outcome; one may count as a hang too, or for files outside."""
    outcomes = Counter(row["outcome"] for row in rows)
    return {
        "tried": len(rows),
        "refused": outcomes["refused"],
        "passed": outcomes["passed"],
        "tracebacks": outcomes["traceback"],
        "signals": outcomes["signal"],
        "hangs": sum(row["seconds"] > HANG for row in rows),
        "files_outside": sum(bool(row["outside"]) for row in rows),
    }


def _work(
    folder: Path, seed: int, number: int, waiting: "queue.Queue[int]", rows: list[dict[str, Any]]
) -> None:
    """Keeps one worker busy, and replaces it when it ends."""
    process: subprocess.Popen[str] | None = None
    while True:
        try:
            index = waiting.get_nowait()
        except queue.Empty:
            break
        if process is None:
            process = _start(folder, seed, number)
        row = _ask(process, index)
        if row is None:
            code = process.wait()
            row = {
                "index": index, "kind": "", "command": "", "outcome": "signal", "seconds": 0.0,
                "outside": [], "sentence": f"the worker ended with {code}",
            }  # fmt: skip
            process = None
        rows.append(row)
        if row["outcome"] not in ("refused", "passed") or row["outside"]:
            print(json.dumps(row), flush=True)
        if len(rows) % 100 == 0:
            print(json.dumps(counts(rows)), flush=True)
    if process is not None:
        process.kill()
        process.wait()


def _start(folder: Path, seed: int, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", WORKER, str(folder), str(seed), str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(folder, str(number)),
    )


def _ask(process: subprocess.Popen[str], index: int) -> dict[str, Any] | None:
    """The worker's row for one bundle; None if the worker ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    timer = threading.Timer(_PATIENCE, process.kill)
    timer.start()
    try:
        process.stdin.write(f"{index}\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    finally:
        timer.cancel()
    return json.loads(line) if line else None


def _environment(folder: Path, worker: str) -> dict[str, str]:
    temporary = folder / "temporary" / worker  # what is left in it counts as a file outside
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ, **with_root_on_path(), "TMPDIR": str(temporary),
        "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200",
    }  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench fuzz_bundles", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=whole_number, default=2000, help="bundles to try")
    parser.add_argument("--workers", type=whole_number, default=2)
    folder = Path("runs/fuzz_bundles")
    parser.add_argument("--folder", type=Path, default=folder, help="new; default %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
