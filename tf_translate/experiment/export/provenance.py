"""What a bundle says of the run it was made from, as plain data: source, metrics, provenance."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tf_translate.config.schema import Config
from tf_translate.data.fetch.datasets import FETCHABLE
from tf_translate.data.samples import LICENCES
from tf_translate.errors import RunError
from tf_translate.experiment.dataset import held_out
from tf_translate.experiment.load_run import Trained
from tf_translate.methods import registry
from tf_translate.packages import cache_folder

_OVERLAP = "held-out images that are also training images"


def source_of(trained: Trained, intended_use: str | None = None) -> dict[str, Any]:
    """What a bundle was made from, for its manifest and its card.

    Args:
        trained: The run.
        intended_use: What the model is for; None says what it was measured on.

    Raises:
        RunError: If the run's evaluation cannot be read.
    """
    config = trained.config
    entry = registry.find(config.method)
    first = (inspect.getdoc(entry.load()[0]) or "").partition("\n")[0]
    size = " x ".join(map(str, config.data.size))
    use = (
        f"Translating images like those it was trained on ({_name(config)}, {size} pixels). "
        "What it does to others was not measured."
    )
    return {
        "run": trained.run.path.name,
        "step": int(trained.translator.steps_taken.numpy()),
        "method": entry.title,
        "summary": first,
        "intended_use": intended_use or use,
        **_measured(trained),
        "config": config.model_dump(mode="json"),
        "data_fingerprint": trained.data.fingerprint,
        "golden_split": held_out(trained.data),
    }


def provenance_of(trained: Trained, license: str | None = None) -> dict[str, str]:
    """Where the training images came from, for a bundle's manifest and its card.

    Args:
        trained: The run.
        license: Terms and makers of the images; None takes those that are known, of the shipped
            samples and of what `data fetch` gets.
    """
    found = {"data": f"{_name(trained.config)}, fingerprint {trained.data.fingerprint}"}
    known = license or _licence(trained.config.data.path)
    return found | ({"license": known} if known else {})


def _name(config: Config) -> str:
    """The data's name: a path without the folders of this machine."""
    path = config.data.path
    return path if ":" in path else _fetched(path) or Path(path).name


def _licence(path: str) -> str | None:
    if path.startswith("samples:"):
        return LICENCES.get(path.removeprefix("samples:"))
    name = _fetched(path)
    return FETCHABLE[name].meaning.rpartition("; ")[2] if name else None


def _fetched(path: str) -> str | None:
    """The name of what `data fetch` laid out at a path, or None if it did not."""
    name = Path(path).stem
    known = name in FETCHABLE and cache_folder() / "fetched" in Path(path).parents
    return name if known else None


def _measured(trained: Trained) -> dict[str, Any]:
    """The metrics `evaluate` left in the run, and what must be known beside them; or nothing."""
    name = f"{held_out(trained.data)}{trained.config.data.size[0]}.json"
    file = trained.run.path / "evaluation" / name
    if not file.is_file():
        return {}
    try:
        document = json.loads(file.read_text("utf-8"))
        return {"metrics": list(_rows(document)), "remarks": list(_remarks(document))}
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{file} is no evaluation ({error!r}); run tf-translate evaluate {trained.run.path} "
            "again, or remove the file"
        ) from error


def _rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    step = int(document["metadata"]["steps"])
    for direction, report in document["directions"].items():
        rows = report["rows"]
        for name, value in rows["output"].items():
            if value is None:  # undefined, as a ratio to nothing is
                continue
            said = report["metrics"][name]
            yield {
                "direction": direction,
                "name": name,
                "value": value,
                "interval": report["intervals_95"].get("output", {}).get(name),
                "error": report["standard_errors"].get("output", {}).get(name),
                "untouched": rows.get("identity", {}).get(name),
                "better": said["better"],
                "meaning": said["meaning"],
                "protocol": said["protocol"],
                "step": step,
            }


def _remarks(document: dict[str, Any]) -> Iterator[str]:
    for direction, report in document["directions"].items():
        if overlap := report["protocol"].get(_OVERLAP, 0):
            yield f"{direction}: {overlap} held-out images are also training images."
