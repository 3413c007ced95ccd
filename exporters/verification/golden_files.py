"""Golden cases as plain files, which the tests of an app read without NumPy.

`golden/index.json` lists the cases of the signatures that apps call. Each tensor is one file of
its values alone: row by row, little-endian, without a header. They are the first cases of
`golden.npz`, so nothing in them is new; they are left out where they would take too much room.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from exporters.bundle.manifest import ArtifactRecord, Manifest, SignatureRecord, TensorRecord
from exporters.bundle.npz import Arrays
from exporters.card.tensor_text import app_signatures
from exporters.verification.golden import SEEDED_CASES, Golden

FOLDER = "golden"
INDEX = f"{FOLDER}/index.json"
MAX_BYTES = 2 * 2**20  # of all files together
MAX_CASES = 2


def golden_files(
    manifest: Manifest, golden: Mapping[str, Golden], *, max_bytes: int = MAX_BYTES
) -> dict[str, bytes]:
    """Contents of the files by path; empty if a single case of each signature is too large.

    Args:
        manifest: Signatures, and the tolerances of the `.tflite` files.
        golden: The cases of each signature, as read from `golden.npz`.
        max_bytes: Of all tensors together.

    Returns:
        At most `MAX_CASES` of each signature, and at most `max_bytes`. Of signatures with real
        examples the second case is the first example, else the second seeded one.
    """
    shown = app_signatures(manifest.signatures)
    for count in range(MAX_CASES, 0, -1):
        if count * sum(map(_case_bytes, shown.values())) <= max_bytes:
            return _contents(manifest, shown, golden, count)
    return {}


def chosen_cases(available: int, count: int) -> list[int]:
    """Positions of the cases: a seeded one, then the first example if there is one."""
    second = SEEDED_CASES if available > SEEDED_CASES else 1
    return [0, second][: min(count, available)]


def _case_bytes(record: SignatureRecord) -> int:
    return sum(
        int(np.prod(tensor.shape)) * np.dtype(tensor.dtype).itemsize
        for tensor in (*record.inputs, *record.outputs)
    )


def _contents(
    manifest: Manifest,
    shown: Mapping[str, SignatureRecord],
    golden: Mapping[str, Golden],
    count: int,
) -> dict[str, bytes]:
    converted = [each for each in manifest.artifacts.values() if each.kind == "tflite"]
    files: dict[str, bytes] = {}
    cases = []
    for name, record in shown.items():
        for case in chosen_cases(golden[name].count, count):
            inputs = dict(_tensors(name, case, "in", record.inputs, golden[name].inputs))
            outputs = dict(_tensors(name, case, "out", record.outputs, golden[name].outputs))
            files |= {path: content for path, (_, content) in (inputs | outputs).items()}
            cases.append(
                {
                    "signature": name,
                    "case": case,
                    "inputs": [_entry(path, tensor) for path, (tensor, _) in inputs.items()],
                    "outputs": [
                        _entry(path, tensor) | {"tolerance": _tolerances(converted, record, tensor)}
                        for path, (tensor, _) in outputs.items()
                    ],
                }
            )
    index = {"byte_order": "little", "cases": cases}
    return {INDEX: (json.dumps(index, indent=2) + "\n").encode(), **files}


def _tensors(
    name: str, case: int, role: str, records: tuple[TensorRecord, ...], arrays: Arrays
) -> Iterator[tuple[str, tuple[TensorRecord, bytes]]]:
    for tensor in records:
        values = arrays[tensor.name][case]
        little_endian = values.astype(values.dtype.newbyteorder("<"), copy=False)
        path = f"{FOLDER}/{name}.{case}.{role}.{tensor.name}.{tensor.dtype}"
        yield path, (tensor, little_endian.tobytes())


def _entry(path: str, tensor: TensorRecord) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "value_range": None if tensor.value_range is None else list(tensor.value_range),
        "file": path.removeprefix(f"{FOLDER}/"),
    }


def _tolerances(
    artifacts: list[ArtifactRecord], record: SignatureRecord, tensor: TensorRecord
) -> dict[str, dict[str, float]]:
    """How far an output of each `.tflite` file may be off; limits that do not exist left out."""
    return {
        artifact.path: artifact.tolerance(record, tensor).model_dump(exclude_none=True)
        for artifact in artifacts
    }


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files of `golden_files` into a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
