"""Compiles the Android project of a bundle, and runs its test of golden cases; see check_kotlin."""

import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import exporters
from exporters.android.choices import offers
from exporters.inference.runner import Runner
from scripts.kotlin.check import STUBS, DisagreementError, Pipe, compile_kotlin

PACKAGE = "org.example.zebras"


def check_project(bundle: exporters.Bundle, compiler: Path, folder: Path) -> dict[str, str]:
    """Writes the project of a bundle, compiles all its Kotlin, and runs its test.

    Args:
        bundle: From `open_bundle`.
        compiler: The folder `lib` of a Kotlin compiler.
        folder: An empty folder.

    Returns:
        The result of each test, by its name; empty if no signature fits a project.

    Raises:
        DisagreementError: If it does not compile, or a test fails.
    """
    if not offers(bundle.manifest.signatures, {})[0]:
        return {}
    project = exporters.write_android_project(bundle.root, folder / "project", package=PACKAGE)
    source = project / "app" / "src"
    resources = folder / "R.kt"
    resources.write_text(_resources(source / "main" / "res"))
    sources = sorted(source.rglob("*.kt"))
    stubs = [*STUBS.glob("*.kt"), *(STUBS / "project").glob("*.kt")]
    stubs = sorted(each for each in stubs if each.name != "main.kt")
    program = folder / "project.jar"
    compile_kotlin([*sources, resources, *stubs], program, compiler)
    assets = folder / "assets"
    for part in ("main", "androidTest"):
        shutil.copytree(source / part / "assets", assets, dirs_exist_ok=True)
    (model,) = assets.glob("*.tflite")
    results = _run(Runner(bundle, recipe=model.stem), program, assets)
    if failed := {name: result for name, result in results.items() if result != "passed"}:
        raise DisagreementError(f"tests of the project fail: {failed}")
    return results


def _resources(folder: Path) -> str:
    """The class R that Android's build makes of the resources."""
    layouts = sorted(folder.glob("layout/*.xml"))
    ids = re.findall(r'"@\+id/(\w+)"', "".join(each.read_text() for each in layouts))
    lines = [f"package {PACKAGE}\n\nobject R {{"]
    for kind, names in (("layout", [each.stem for each in layouts]), ("id", ids)):
        constants = (f"        const val {name} = {i}" for i, name in enumerate(names, 1))
        lines += [f"    object {kind} {{", *constants, "    }"]
    return "\n".join([*lines, "}\n"])


def _run(runner: Runner, program: Path, assets: Path) -> dict[str, str]:
    command = ["java", "-cp", program, "Run_testsKt", f"{PACKAGE}.GoldenTest"]
    results = {}
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=assets)
        )
        stack.callback(process.kill)
        pipe = Pipe(process.stdout, process.stdin)
        while (request := pipe.text()) != "end":
            if request == "test":
                name = pipe.text()
                results[name] = pipe.text()
            else:
                _answer(runner, pipe)
    return results


def _answer(runner: Runner, pipe: Pipe) -> None:
    """Runs the signature that the project requests."""
    signature, _, _ = pipe.text(), pipe.integer(), pipe.integer()
    inputs = {pipe.text(): pipe.array() for _ in range(pipe.integer())}
    outputs = [pipe.text() for _ in range(pipe.integer())]
    shapes = {each.name: each.shape for each in runner.signatures[signature].inputs}
    found = runner.run(signature, {key: inputs[key].reshape(shapes[key]) for key in inputs})
    for each in outputs:
        pipe.send(found[each].ravel())
