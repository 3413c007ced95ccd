"""A bundle's description of its run, as JSON values: source, metrics and provenance."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tf_translate.config.schema import Config
from tf_translate.data.fetch.fetchable_datasets import FETCHABLE
from tf_translate.data.shipped_samples import LICENSES
from tf_translate.errors import RunError
from tf_translate.evaluation.metrics.results import TRAINING_OVERLAP
from tf_translate.experiment.dataset import held_out_split
from tf_translate.experiment.evaluate import CHANGED
from tf_translate.experiment.load_run import ExportableRun
from tf_translate.methods import registry
from tf_translate.packages import cache_folder

# Names of data sets such as flat_to_3d and horse2zebra.
_TWO_DOMAINS = r"(?P<a>[A-Za-z0-9_]+?)(?:_to_|(?<=[a-z])2(?=[a-z]))(?P<b>[A-Za-z0-9_]+)"


def source_of(
    trained: ExportableRun,
    intended_use: str | None = None,
    domain_names: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Describes the run of a bundle, for its manifest and its card.

    Args:
        trained: The run.
        intended_use: Purpose of the model; None describes the data it was evaluated on.
        domain_names: What the domains show; None takes them from the name of the data if it is
            such as `flat_to_3d`.

    Raises:
        RunError: If the run's evaluation cannot be read.
    """
    config = trained.config
    entry = registry.find(config.method)
    summary = (inspect.getdoc(entry.translator) or "").partition("\n")[0]
    size = " x ".join(map(str, config.data.size))
    use = (
        f"Translating images like those it was trained on ({_name(config)}, {size} pixels). "
        "Its quality on other images was not measured."
    )
    return {
        "run": trained.run.path.name,
        "step": int(trained.translator.steps_taken.numpy()),
        "method": entry.title,
        "summary": summary,
        "intended_use": intended_use or use,
        **_evaluation(trained),
        **_domains(config, domain_names),
        "config": config.model_dump(mode="json"),
        "data_fingerprint": trained.data.fingerprint,
        "golden_split": held_out_split(trained.data),
    }


def _domains(config: Config, names: tuple[str, str] | None) -> dict[str, dict[str, str]]:
    """The names of the domains by letter, if they are known."""
    if names is None:
        name = _name(config).rpartition(":")[2]
        found = re.fullmatch(_TWO_DOMAINS, Path(name).stem)
        if found is None:
            return {}
        names = (found["a"].replace("_", " "), found["b"].replace("_", " "))
        if config.data.direction == "b_to_a":
            names = names[1], names[0]
    return {"domains": {"a": names[0], "b": names[1]}}


def provenance_of(trained: ExportableRun, license: str | None = None) -> dict[str, str]:
    """Describes the origin of the training images, for a bundle's manifest and its card.

    Args:
        trained: The run.
        license: License and authors of the images. None looks them up, which works for shipped
            samples and for the datasets of `data fetch`.
    """
    provenance = {"data": f"{_name(trained.config)}, fingerprint {trained.data.fingerprint}"}
    known = license or _license(trained.config.data.path)
    return provenance | ({"license": known} if known else {})


def _name(config: Config) -> str:
    """The name of the data: the last part of its path, without local folders."""
    path = config.data.path
    return path if ":" in path else _fetched(path) or Path(path).name


def _license(path: str) -> str | None:
    if path.startswith("samples:"):
        return LICENSES.get(path.removeprefix("samples:"))
    name = _fetched(path)
    return FETCHABLE[name].description.rpartition("; ")[2] if name else None


def _fetched(path: str) -> str | None:
    """The name of the fetched dataset at a path, or None if `data fetch` did not create it."""
    name = Path(path).stem
    known = name in FETCHABLE and cache_folder() / "fetched" in Path(path).parents
    return name if known else None


def _evaluation(trained: ExportableRun) -> dict[str, Any]:
    """The metrics of the run's evaluation, with remarks; empty if it was not evaluated."""
    name = f"{held_out_split(trained.data)}{trained.config.data.size[0]}.json"
    file = trained.run.path / "evaluation" / name
    if not file.is_file():
        return {}
    try:
        document = json.loads(file.read_text("utf-8"))
        return {"metrics": list(_metrics(document)), "remarks": list(_remarks(document))}
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{file} is not a valid evaluation ({error!r}); run `tf-translate evaluate "
            f"{trained.run.path}` again, or remove the file"
        ) from error


def _metrics(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    step = int(document["metadata"]["steps"])
    for direction, report in document["directions"].items():
        results = report["results"]
        for name, value in results["output"].items():
            if value is None:  # undefined, for example a division by zero
                continue
            definition = report["metrics"][name]
            yield {
                "direction": direction,
                "name": name,
                "value": value,
                "interval": report["confidence_intervals_95"].get("output", {}).get(name),
                "error": report["standard_errors"].get("output", {}).get(name),
                "untouched": results.get("identity", {}).get(name),
                "better": definition["better"],
                "meaning": definition["meaning"],
                "protocol": definition["protocol"],
                "step": step,
            }


def _remarks(document: dict[str, Any]) -> Iterator[str]:
    if changes := document["metadata"].get(CHANGED):
        yield f"The evaluation used other images than those of training: {changes}."
    for direction, report in document["directions"].items():
        if overlap := report["protocol"].get(TRAINING_OVERLAP, 0):
            yield f"{direction}: {overlap} held-out images are also training images."
