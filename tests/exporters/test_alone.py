"""A bundle runs without this project: programs that cannot import it call every signature."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import exporters
from tests.marks import slow_but

PROGRAMS = Path(__file__).with_name("programs")


def _alone(program: str, path: Path, folder: Path) -> dict[str, list[float]]:
    """Runs a program in another process, outside the checkout; returns differences by output."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAMS / program), str(path)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("made", "program"),
    slow_but(
        itertools.product(("exported", "many"), ("saved_model_alone.py", "tflite_alone.py")),
        ("many", "saved_model_alone.py"),
        ("many", "tflite_alone.py"),
    ),
)
def test_every_signature_runs_where_the_project_cannot_be_imported(
    program, made, request, tmp_path
):
    path = request.getfixturevalue(made)
    found = _alone(program, path, tmp_path)
    signatures = exporters.open_bundle(path).manifest.signatures
    expected = {
        f"{name}/{tensor.name}": tensor.dtype
        for name, record in signatures.items()
        for tensor in record.outputs
    }
    assert set(found) == set(expected)
    for output, (largest, width) in found.items():
        assert width > 0.01, output  # the golden outputs are not constant
        # Rounding may change a uint8 level by one.
        assert largest <= (1 if expected[output] == "uint8" else 1e-5), output


def test_the_programs_cannot_import_the_project(tmp_path):
    text = (PROGRAMS / "tflite_alone.py").read_text().replace("import sys\n", "import sys\n", 1)
    for name in ("exporters", "tf_translate", "exporters.inference.runner"):
        program = tmp_path / "program.py"
        program.write_text(text.partition("# The rest is")[0] + f"import {name}\n")
        environment = {**os.environ, "PYTHONPATH": str(Path(exporters.__file__).parents[1])}
        done = subprocess.run(
            [sys.executable, str(program), "none"], capture_output=True, text=True, env=environment
        )
        assert done.returncode != 0
        assert "the project cannot be imported here" in done.stderr


def test_golden_outputs_are_those_of_the_original(exported, generators):
    # Otherwise a comparison with them would prove nothing.
    with np.load(exported / "golden.npz", allow_pickle=False) as golden:
        images = golden["a_to_b/inputs/image"]
        expected = np.stack([generators["a_to_b"].predict(each, verbose=0) for each in images])
        np.testing.assert_allclose(golden["a_to_b/outputs/image"], expected, atol=1e-5)
