"""The data set of a run: recorded when it is trained, and compared whenever it is opened again."""

import dataclasses
from pathlib import Path
from typing import Any

from tf_translate.config.schema import Config
from tf_translate.data.inventory import (
    Inventory,
    describe_changes,
    inventory_from_json,
    inventory_to_json,
)
from tf_translate.errors import DataError, RunError
from tf_translate.experiment.dataset import Data, open_dataset
from tf_translate.training.run_dir import RunDir

ACCEPT = "--accept-data-changes"


@dataclasses.dataclass(frozen=True)
class DataRecord:
    """What a run knows of its data set; its `data.json`.

    Attributes:
        fingerprint: The fingerprint of the data set.
        splits: Which images are in which split.
        changes: Changes that were accepted: the step of each and what changed, oldest first.
    """

    fingerprint: str
    splits: Inventory
    changes: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON values for `RunDir.write_data`."""
        return {
            "fingerprint": self.fingerprint,
            "splits": inventory_to_json(self.splits),
            "accepted_changes": list(self.changes),
        }


def read_record(run: RunDir) -> DataRecord:
    """The record of a run.

    Raises:
        RunError: If it is missing or broken.
    """
    try:
        return _read_record(run)
    except RunError as error:
        raise RunError(
            f"{error}; restore that file, or write it again from the images as they are with "
            f"--resume {ACCEPT}"
        ) from error


def _read_record(run: RunDir) -> DataRecord:
    values = run.read_data()
    try:
        splits = inventory_from_json(values["splits"])
        return DataRecord(str(values["fingerprint"]), splits, tuple(values["accepted_changes"]))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{run.data} is broken ({type(error).__name__}: {error})") from error


@dataclasses.dataclass(frozen=True)
class RunData:
    """The data set of a run.

    Attributes:
        data: The data set.
        changes: What differs from the images that the run was trained on; None if nothing does.
        accepted_before: The changes that the run has recorded.
    """

    data: Data
    changes: str | None = None
    accepted_before: tuple[dict[str, Any], ...] = ()

    def record(self, step: int) -> DataRecord:
        """What the run knows of its images from this step on."""
        now = () if self.changes is None else ({"step": step, "changes": self.changes},)
        return DataRecord(self.data.fingerprint, self.data.inventory, (*self.accepted_before, *now))


def open_run_data(run: RunDir, config: Config, *, accept_changes: bool) -> RunData:
    """Opens the data set of a run and compares it with the images the run was trained on.

    Args:
        run: The run.
        config: Its configuration; a data set that was moved has another `data.path` here.
        accept_changes: Whether other images are taken.

    Raises:
        DataError: If the images differ and that is not accepted, or there is no data set.
        RunError: If the run has no record of its images and that is not accepted.
    """
    try:
        before = _read_record(run) if accept_changes else read_record(run)
    except RunError as error:
        if not accept_changes:
            raise
        return RunData(_open(run, config), f"unknown, as {error}")
    data = _open(run, config)
    changes = describe_changes(before.splits, data.inventory)
    if changes is not None and not accept_changes:
        raise DataError(
            f"the images of {config.data.path} are not those that {run.path} was trained on "
            f"({changes}); restore them, name the folder they are in now with --set "
            f"data.path=FOLDER, or take these images with {ACCEPT}"
        )
    return RunData(data, changes, before.changes)


def _open(run: RunDir, config: Config) -> Data:
    """Opens the data set; if its folder or table is gone, the error says how to name another."""
    path = config.data.path
    try:
        return open_dataset(config)
    except DataError as error:
        if ":" in path or Path(path).expanduser().exists():
            raise
        raise DataError(
            f"{path}, the data set of {run.path}, does not exist; if it was moved, name its new "
            "place with --set data.path=FOLDER"
        ) from error
