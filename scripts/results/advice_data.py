"""Writes what `tf-translate advise` leans on, from results, into its package.

python -m scripts.results.advice_data                     published.json: images and sizes of files
python -m scripts.results.advice_data --compared FOLDER   compared.json: a summary of a comparison

FOLDER is that of `tf-translate compare run`, or the file of `tf-translate compare collect`. Images
are counted anew: those of samples, and of fetched data, which are fetched if they are small.
"""

import argparse
import datetime
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from scripts.results.methods_table import own_methods
from tf_translate.atomic_files import write_text_atomically
from tf_translate.config.data import DataConfig
from tf_translate.config.load import load, validate
from tf_translate.data.fetch.avatars import ATTRIBUTES, list_people
from tf_translate.data.fetch.fetchable_datasets import fetch
from tf_translate.data.layouts.age_filenames import read_ages
from tf_translate.data.layouts.detect import find_domains
from tf_translate.data.table_splits import assign_splits, open_table
from tf_translate.errors import TranslateError
from tf_translate.experiment.advise.published import FILE
from tf_translate.experiment.advise.results import SHIPPED, Summary, read_summary
from tf_translate.methods.registry import find

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "assets" / "results"
SIZES = "verify_table.json"
COMMAND = "python -m scripts.results.advice_data"


def published() -> dict[str, Any]:
    """The values of published.json: counts of the small presets and of the published runs."""
    trained_on = []
    for method in own_methods():
        preset = f"{method.name}_small"
        config = load(preset)
        trained_on.append(_trained_on(method.name, "preset", preset, config.data))
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text("utf-8"))
        if "evaluation" in result:
            config = result["config"]
            data = _data_of(config["data"])
            trained_on.append(_trained_on(config["method"], "result", path.name, data))
    sizes = json.loads((RESULTS / SIZES).read_text("utf-8"))
    exports: dict[str, dict[str, Any]] = {}
    for row in sizes["verification"]:
        method = sizes["runs"][row["model"]]["method"]
        if row["recipe"] != "saved_model":
            found = exports.setdefault(
                method, {"source": SIZES, "date": sizes["date"], "recipes": {}}
            )
            found["recipes"][row["recipe"]] = row["bytes"]
    return {
        "command": COMMAND,
        "revision": revision(),
        "date": datetime.date.today().isoformat(),
        "trained_on": trained_on,
        "exports": exports,
    }


def compared(source: Path) -> Summary:
    """The summary of a comparison, with the command that makes it.

    Raises:
        TranslateError: If there are no results in `source`, or a file is broken.
    """
    summary = read_summary(source)
    about = f"{summary.command}, then {COMMAND} --compared {source.name}"
    return summary.model_copy(update={"command": about})


def revision() -> str:
    """The commit of this clone."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=12")
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def _data_of(values: dict[str, Any]) -> DataConfig:
    """The data settings of a published run; settings that are gone since do not count images."""
    known = {key: value for key, value in values.items() if key in DataConfig.model_fields}
    return validate(DataConfig, known, "a published run")


def _trained_on(method: str, kind: str, source: str, data: DataConfig) -> dict[str, Any]:
    return {
        "method": method,
        "kind": kind,
        "source": source,
        "data": Path(data.path).name if "/" in data.path else data.path,
        "images": count_images(method, data),
        "size": list(data.size),
    }


def count_images(method: str, data: DataConfig) -> int:
    """Number of images that a method learns from: of pairs, or of the smaller of two sets."""
    layout = find(method).layout
    folder = Path(data.path).parent.name  # of fetched data, such as dicebear-10.7.0-64px-12000
    number = folder.rpartition("-")[2]
    if folder.startswith("dicebear-") and number.isdecimal():
        return _count_people(int(number), data)
    if folder.startswith("orl-"):
        table = fetch("orl").with_name(Path(data.path).name)
        data = data.model_copy(update={"path": str(table)})
    if layout in ("paired", "unpaired"):
        train = find_domains(data).splits["train"]
        return min(len(train.a.names), len(train.b.names))
    table = open_table(data, read_ages, "a table")
    return len(assign_splits(table, table.where(data.where), data)["train"])


def _count_people(number: int, data: DataConfig) -> int:
    """As for `count_images`, of `tf-translate data fetch dicebear`, without drawing them."""
    people = [values for split, _, values in list_people({"train": number})]
    if data.domain_column is None:
        return len(people)
    at = list(ATTRIBUTES).index(data.domain_column)
    counts = Counter(str(values[at]) for values in people)
    return min(counts[str(data.domain_a)], counts[str(data.domain_b)])


def _write(file: Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    write_text_atomically(file, text)
    print(file)


def main(arguments: list[str]) -> None:
    """Reads the command line; a wrong argument ends in one sentence and exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compared", type=Path, metavar="FOLDER|FILE")
    source = parser.parse_args(arguments).compared
    try:
        if source is None:
            _write(FILE, published())
        else:
            _write(SHIPPED, compared(source).model_dump(mode="json"))
    except (TranslateError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
