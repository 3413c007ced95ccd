"""Opens hundreds of damaged and hostile tables and packed data sets, and counts what happens.

scripts/bench fuzz_tables [--count 300] [--seed 0] [--folder NEW]

Valid tables (csv, tsv, CelebA's lists, Parquet with paths and with images) and packed data sets
are changed: cells that name no image, values that no index has, forged headers and positions,
changed bytes, files cut off or replaced by links and pipes. Each is opened as training opens it,
by a command of the real command line, in a child process that opens many of them, has limits of
memory and of time for each, and is started again after a crash. It must be opened, or refused in
words with exit code 2.
Writes fuzz_tables.json into the folder; the exit code is 1 if anything else happened.
"""

import argparse
import contextlib
import datetime
import io
import json
import os
import random
import shlex
import shutil
import sys
import traceback
from collections import Counter
from pathlib import Path

from scripts.benchmarks.machine import machine, versions
from scripts.fuzz.child_process import ChildProcess, answer_lines
from scripts.fuzz.table_inputs import BASES, Base, mutate
from scripts.stress.whole_number import whole_number
from tf_translate.cli.output import load_tensorflow

MEMORY = 10 * 2**30  # bytes of address space of a child; TensorFlow alone takes three
_MOST_BYTES = 2**30  # of a file that is kept for inspection
OUTCOMES = ("opened", "refused", "tracebacks", "signals", "hangs")


def start_child(folder: Path) -> ChildProcess:
    """A process that opens data sets in a folder of its own."""
    return ChildProcess(
        "scripts.fuzz.tables",
        ["--child"],
        folder,
        KERAS_HOME=str(folder / "tmp"),
        TMPDIR=str(folder / "tmp"),
        TF_TRANSLATE_CACHE=str(folder / "cache"),
        TF_CPP_MIN_LOG_LEVEL="3",
    )


def child() -> int:
    """Opens the data sets that come on stdin as JSON."""

    def prepare():
        from tf_translate.cli import main as command_line

        command_line.app.command("open-data")(open_data)
        return lambda task: _run(command_line.run, task)

    return answer_lines(MEMORY, prepare)


def open_data(task: str) -> None:
    """Opens a data set as training does; a command of the real command line in the child."""
    from tf_translate.config.data import DataConfig
    from tf_translate.config.load import validate
    from tf_translate.data.attribute_dataset import open_attribute_dataset
    from tf_translate.data.domain_dataset import open_domain_dataset
    from tf_translate.data.image_dataset import open_image_dataset

    values = json.loads(task)
    openers = {
        "domains": open_domain_dataset,
        "attributes": open_attribute_dataset,
        "images": open_image_dataset,
    }
    settings = {"size": [8, 8], "path": values["path"], **values["settings"]}
    openers[values["opening"]](validate(DataConfig, settings, "open-data"))


def _run(run, task: str) -> dict:
    """Runs the command; sorts its exit code and output."""
    sys.argv = ["tf-translate", "open-data", task]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
            run()
    except SystemExit as error:
        text = printed.getvalue().strip()
        if error.code in (0, None):
            return {"outcome": "opened"}
        is_told = error.code == 2 and text.startswith("error: ") and "Traceback" not in text
        return {"outcome": "refused" if is_told else "tracebacks", "text": text[:1000]}
    except BaseException:
        return {"outcome": "tracebacks", "text": traceback.format_exc()[-3000:]}
    return {"outcome": "opened"}


def run(folder: Path, seed: int, count: int) -> dict:
    """Opens inputs 0 to `count` - 1; returns the counts, also by base, and all faults."""
    work, bases, outside = folder / "work", folder / "bases", folder / "outside"
    for path in (work / "tmp", outside):
        path.mkdir(parents=True)
    for name, base in BASES.items():
        base.write(bases / name)
    before = _files(bases) | _files(outside)
    counts = Counter({"tried": 0, **dict.fromkeys(OUTCOMES, 0), "files_outside": 0})
    by_base = {name: Counter() for name in BASES}
    faults, process = [], start_child(work)
    for number in range(count):
        name = list(BASES)[number % len(BASES)]
        target = work / "case"
        answer = _try(process, bases / name, target, BASES[name], f"{seed}:{number}")
        counts["tried"] += 1
        counts[answer["outcome"]] += 1
        by_base[name][answer["outcome"]] += 1
        if answer["outcome"] not in ("opened", "refused"):
            faults.append({"number": number, "base": name, **answer})
            print(json.dumps(faults[-1]), flush=True)
            shutil.copytree(target, folder / f"fault-{number}", symlinks=True, ignore=not_copied)
        shutil.rmtree(target)
        if answer.get("ended"):
            process = start_child(work)
    process.stop()
    foreign = (_files(bases) | _files(outside)) ^ before
    foreign |= {path for path, _ in _files(work) if path.split("/")[0] not in ("tmp", "cache")}
    counts["files_outside"] = len(foreign)
    faults += [{"outcome": "files_outside", "name": str(path)} for path in sorted(foreign, key=str)]
    for path in (work, bases, outside):
        shutil.rmtree(path)
    return {
        "counts": dict(counts),
        "by_base": {name: dict(found) for name, found in by_base.items()},
        "faults": faults,
    }


def _try(process: ChildProcess, source: Path, target: Path, base: Base, seed: str) -> dict:
    """Opens a changed copy of a base; the first copies of all bases are not changed."""
    shutil.copytree(source, target, symlinks=True, ignore=not_copied)
    for pipe in source.rglob("pipe.png"):
        os.mkfifo(target / pipe.relative_to(source))
    number = int(seed.rpartition(":")[2])
    changed = "nothing" if number < len(BASES) else mutate(random.Random(seed), base, target)
    task = {"path": str(target / base.path), "opening": base.opening, "settings": base.settings}
    answer = process.ask(json.dumps(task))
    if changed == "nothing" and answer["outcome"] != "opened":
        answer = {**answer, "outcome": "tracebacks", "reason": "a valid data set is not opened"}
    return {"changed": changed, **answer}


def not_copied(folder: str, names: list[str]) -> list[str]:
    """Named pipes, which cannot be copied, and vast sparse files."""
    paths = [Path(folder, name) for name in names]
    return [path.name for path in paths if path.is_fifo() or path.lstat().st_size > _MOST_BYTES]


def _files(folder: Path) -> set[tuple[str, int]]:
    """Path and time of the last change of every file below a folder."""
    return {
        (path.relative_to(folder).as_posix(), path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def main(arguments: list[str]) -> int:
    """Runs the command; 1 if an input was neither opened nor refused in words."""
    options = _arguments(arguments)
    if options.child:
        return child()
    folder = options.folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"--folder must be new or empty, {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    load_tensorflow()  # it packs, and its version is noted
    result = {
        "command": shlex.join(["scripts/bench", "fuzz_tables", *arguments]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(("numpy", "pillow", "pyarrow", "pydantic", "tensorflow")),
        "seed": options.seed,
        **run(folder, options.seed, options.count),
    }
    (folder / "fuzz_tables.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["counts"]))
    return int(bool(result["faults"]))


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench fuzz_tables")
    folder = Path("runs/fuzz_tables")
    parser.add_argument("--count", type=whole_number, default=300, help="data sets in all")
    parser.add_argument("--seed", type=int, default=0, help="of the changes")
    parser.add_argument("--folder", type=Path, default=folder, help="new or empty")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
