"""Writes an Android project for a bundle: sources from templates, the model, golden cases."""

import re
import string
from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path

from exporters.android.choices import Offer, offers
from exporters.android.golden_calls import calls, readers
from exporters.arguments import check_path, check_type
from exporters.bundle.bundle import Bundle, open_bundle, writing_folder
from exporters.card import template_files
from exporters.card.app_example import examples
from exporters.card.metadata import source_metadata
from exporters.card.template_files import fill
from exporters.card.tensor_text import app_signatures
from exporters.errors import ExportError
from exporters.inference.runner import recipes_of
from exporters.untrusted import tflite as untrusted_tflite
from exporters.verification import golden, golden_files

PACKAGE = "com.example.translator"
_PREFERRED = "float16"  # half the size of float32, and what GPUs of phones compute in
_VERSIONS = {"gradle_plugin": "8.9.1", "kotlin": "2.2.21", "compile_sdk": "36", "gpu_psnr": "30"}
_MAX_GOLDEN_BYTES = 64 * 2**20  # a test is no part of the app
_MAX_RESULT_PIXELS = 16_000_000  # 64 MB as an Android bitmap, and about twice that while it is made
_PACKAGE_PATTERN = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+"
# Words that cannot be part of a package: Gradle compiles Kotlin, and makes a class of Java for it.
_KEYWORDS = (
    "abstract as assert boolean break byte case catch char class const continue default do double "
    "else enum extends false final finally float for fun goto if implements import in instanceof "
    "int interface is long native new null object package private protected public return short "
    "static strictfp super switch synchronized this throw throws transient true try typealias "
    "typeof val var void volatile when while"
)
_MAIN, _TEST = "app/src/main", "app/src/androidTest"
_TEMPLATES = {  # path in the project by the name of the template
    "settings.gradle.kts": "settings.gradle.kts",
    "build.gradle.kts": "build.gradle.kts",
    "gradle.properties": "gradle.properties",
    "project_readme.md": "README.md",
    "app_build.gradle.kts": "app/build.gradle.kts",
    "AndroidManifest.xml": f"{_MAIN}/AndroidManifest.xml",
    "strings.xml": f"{_MAIN}/res/values/strings.xml",
    "activity_main.xml": f"{_MAIN}/res/layout/activity_main.xml",
    "MainActivity.kt": f"{_MAIN}/java/%%{{folder}}/MainActivity.kt",
    "Choices.kt": f"{_MAIN}/java/%%{{folder}}/Choices.kt",
    "GoldenTest.kt": f"{_TEST}/java/%%{{folder}}/GoldenTest.kt",
}


def write_android_project(
    bundle: str | Path,
    directory: str | Path,
    *,
    recipe: str | None = None,
    package: str = PACKAGE,
) -> Path:
    """Writes a complete, minimal Android project that translates photos with a bundle's model.

    The sources are made from the manifest; code of the bundle, such as its examples, is not taken
    over. The project is written completely or not at all, and never over anything.

    Args:
        bundle: A bundle that `export` wrote.
        directory: A folder that does not exist or is empty.
        recipe: Which .tflite file the app holds; None for float16 if there is one, else the first.
        package: The app's package and id, such as "org.example.zebras".

    Returns:
        The folder of the project.

    Raises:
        BundleError: If it is not a bundle, or its model or golden cases were changed.
        ExportError: If the folder is not empty, there is no such recipe, the package is not a
            name, or no signature makes one colour image of one colour image.
    """
    check_path("directory", directory)
    check_type("package", package, str, "a text")
    if recipe is not None:
        check_type("recipe", recipe, str, "a text")
    opened = open_bundle(bundle)
    model = _model(opened, recipe)
    _check_package(package)
    choices, left_out = offers(
        opened.manifest.signatures, source_metadata(opened.manifest.source).domains
    )
    if not choices:
        raise ExportError(
            f"the app needs a signature that makes one colour image of one colour image, and "
            f"{', '.join(opened.manifest.signatures)} do not; write an app around "
            "examples/Translator.kt instead"
        )
    content = opened.read(model)
    untrusted_tflite.check(content, model)
    cases = golden.read(opened.read(opened.manifest.golden.path), opened.manifest)
    files = _sources(opened, model, package, choices, left_out)
    files[f"{_MAIN}/assets/{model}"] = content
    stored = golden_files.golden_files(opened.manifest, cases, max_bytes=_MAX_GOLDEN_BYTES)
    files |= {f"{_TEST}/assets/{path}": each for path, each in stored.items()}
    if not stored:  # they are too large, and the test would have nothing to read
        files = {path: each for path, each in files.items() if not path.startswith(_TEST)}
    with writing_folder(directory, "project") as folder:
        for path, each in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(each)
    return Path(directory)


def _model(bundle: Bundle, recipe: str | None) -> str:
    """The path of the .tflite file."""
    known = recipes_of(bundle)
    chosen = recipe or (_PREFERRED if _PREFERRED in known else next(iter(known), None))
    if chosen not in known:
        raise ExportError(
            f"`recipe` must be one of the bundle's ({', '.join(known) or 'it has none'}), got "
            f"{recipe!r}; export the bundle with that recipe"
        )
    return known[chosen]


def _check_package(package: str) -> None:
    if not re.fullmatch(_PACKAGE_PATTERN, package) or _has_keyword(package):
        raise ExportError(
            "`package` must be two or more words of a-z, 0-9 and _ with dots between them, none of "
            f"them a keyword of Kotlin or Java, such as 'org.example.zebras', got {package!r}"
        )


def _has_keyword(package: str) -> bool:
    return not set(_KEYWORDS.split()).isdisjoint(package.split("."))


def _sources(
    bundle: Bundle, model: str, package: str, choices: list[Offer], left_out: list[str]
) -> dict[str, bytes]:
    manifest = bundle.manifest
    folder = package.replace(".", "/")
    shown = app_signatures(manifest.signatures)
    values: Mapping[str, object] = {
        **template_files.load("kotlin")["versions"],
        **_VERSIONS,
        "title": _plain(bundle.root.resolve().name).strip(". ") or "app",  # a rule of Gradle
        "package": package,
        "folder": folder,
        "model": model,
        "version": _plain(manifest.model_version) or "not stated at export",
        "choices": "".join(each.code for each in choices),
        "max_pixels": _MAX_RESULT_PIXELS // max(each.scale for each in choices) ** 2,
        "left_out": _left_out(left_out),
        "calls": calls(shown),
        "readers": readers(shown),
    }
    texts = {fill(path, **values): fill(_template(name), **values) for name, path in
             _TEMPLATES.items()}  # fmt: skip
    written = examples(
        manifest.signatures,
        str(values["title"]),
        [model],
        manifest.aspect,
        domains=source_metadata(manifest.source).domains,
        model_version=manifest.model_version,
    )
    for path, text in written.items():
        if path.endswith(".kt"):
            name = path.rpartition("/")[2]
            texts[f"{_MAIN}/java/{folder}/{name}"] = f"package {package}\n\n{text}"
    return {path: text.encode() for path, text in texts.items()}


def _template(name: str) -> str:
    return resources("exporters.android").joinpath("templates", name).read_text("utf-8")


def _left_out(names: list[str]) -> str:
    if not names:
        return ""
    listed = ", ".join(f"`{name}`" for name in names)
    return (
        f"Not in the list at the top, because they take or give something else than one colour "
        f"image: {listed}. `Translator.kt` has functions for them.\n"
    )


def _plain(text: str) -> str:
    """The text with what has a meaning in Gradle, XML or Markdown replaced by `_`."""
    allowed = string.ascii_letters + string.digits + " ._-"
    return "".join(each if each in allowed else "_" for each in text)
