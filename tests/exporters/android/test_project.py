"""The Android project of a bundle: its files, its refusals, and its code.

tests/scripts/test_programs.py compiles one and runs its test, where a Kotlin compiler is installed.
"""

import re
import shutil
import tomllib
import xml.etree.ElementTree as ElementTree
from importlib.resources import files as resources

import pytest
import tensorflow as tf

import exporters
from exporters.android.choices import offers
from exporters.bundle.bundle import open_bundle
from exporters.bundle.signatures import make_records
from tests.exporters.fakes import (
    ScalarsWithDefault,
    Signature,
    Tensor,
    dim,
    edit,
    negative,
    paint,
    refine,
    swap,
)

JAVA = "app/src/main/java/org/example/zebras"


@pytest.fixture(scope="module")
def project(many, tmp_path_factory):
    """The project of a bundle with attributes, a strength and an exemplar."""
    return exporters.write_android_project(
        many, tmp_path_factory.mktemp("android") / "app", package="org.example.zebras"
    )


def test_a_project_has_all_its_files(project, many):
    found = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    golden = {f"app/src/androidTest/assets/golden/{p.name}" for p in (many / "golden").iterdir()}
    assert found - golden == {
        "README.md",
        "settings.gradle.kts",
        "build.gradle.kts",
        "gradle.properties",
        "app/build.gradle.kts",
        "app/src/main/AndroidManifest.xml",
        "app/src/main/res/values/strings.xml",
        "app/src/main/res/layout/activity_main.xml",
        "app/src/main/assets/float16.tflite",
        f"{JAVA}/MainActivity.kt",
        f"{JAVA}/Choices.kt",
        f"{JAVA}/Translator.kt",
        f"{JAVA}/Images.kt",
        "app/src/androidTest/java/org/example/zebras/GoldenTest.kt",
    }
    assert golden <= found
    model = (project / "app/src/main/assets/float16.tflite").read_bytes()
    assert model == (many / "float16.tflite").read_bytes()


def test_no_placeholder_is_left_and_kotlin_and_xml_are_valid(project):
    for path in project.rglob("*"):
        if path.suffix in (".kt", ".kts", ".xml", ".md", ".properties"):
            assert "%%" not in path.read_text(), path
        if path.suffix == ".xml":
            ElementTree.parse(path)
    tree_sitter = pytest.importorskip("tree_sitter", reason="the grammars are for tests alone")
    grammar = pytest.importorskip("tree_sitter_kotlin")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    for path in [*project.rglob("*.kt"), *project.rglob("*.kts")]:
        assert not parser.parse(path.read_bytes()).root_node.has_error, path


def test_the_versions_of_the_project_are_those_of_the_examples(project):
    build = (project / "app/build.gradle.kts").read_text()
    content = resources("exporters.card").joinpath("templates", "kotlin.toml").read_text("utf-8")
    versions = tomllib.loads(content)["versions"]
    assert f"minSdk = {versions['min_sdk']} " in build
    assert f"litert:{versions['litert']}" in build
    assert f"litert-gpu:{versions['litert']}" in build
    assert f"exifinterface:{versions['exifinterface']}" in build
    assert 'namespace = "org.example.zebras"' in build


def test_the_screen_uses_ids_and_texts_that_exist(project):
    code = (project / f"{JAVA}/MainActivity.kt").read_text()
    layout = (project / "app/src/main/res/layout/activity_main.xml").read_text()
    strings = (project / "app/src/main/res/values/strings.xml").read_text()
    assert set(re.findall(r"[^.]R\.id\.(\w+)", code)) == set(re.findall(r"@\+id/(\w+)", layout))
    for name in re.findall(r"@string/(\w+)", layout):
        assert f'name="{name}"' in strings


def test_the_test_of_a_device_calls_every_function(project, many):
    text = (project / "app/src/androidTest/java/org/example/zebras/GoldenTest.kt").read_text()
    for call in (
        '"edit_uint8" -> mapOf("image" to translator.edit(bytes(case, "image"), '
        'floats(case, "attributes")))',
        '"swap_uint8" -> translator.swap(bytes(case, "image"), bytes(case, "exemplar"))',
    ):
        assert call in text
    assert 'private const val MODEL = "float16.tflite"' in text


def test_the_list_offers_what_needs_one_image_alone():
    fakes = (negative("a_to_b"), edit(), dim(), refine(), swap(), paint())
    records = make_records({fake.name: fake for fake in fakes})
    found, left_out = offers(records, {"a": "horses", "b": "zebras"})
    assert [each.name for each in found] == [
        "horses to zebras",
        "edit: glasses",
        "edit: hair=black",
        "edit: hair=blond",
        "dim",
        "refine",
    ]
    assert left_out == ["swap", "paint"]
    assert "translator.edit(pixelsOf(image, 12, 8), floatArrayOf(0f, 1f, 0f))" in found[2].code
    assert "floatArrayOf(3f), floatArrayOf(1f, 0f)" in found[-1].code  # the defaults


def test_a_default_that_the_function_lacks_is_required():
    mask = ScalarsWithDefault("mask", (None, 8, 12, 1), default=(1.0,))  # one for all pixels
    signature = Signature("blend", lambda image, mask: {"image": image}, (Tensor(), mask))
    assert offers(make_records({"blend": signature}), {}) == ([], ["blend"])


def test_a_larger_result_keeps_its_size_in_the_list():
    larger = Tensor(shape=(None, 32, 48, 3))
    signature = Signature("enlarge", lambda image: {"image": image}, outputs=(larger,))
    ((offer,), _) = offers(make_records({"enlarge": signature}), {})
    assert offer.scale == 4
    expected = "bitmapOf(translator.enlarge(pixelsOf(image, 12, 8)), 12, 8, image, 48, 32)"
    assert expected in offer.code


@pytest.mark.slow
def test_photos_are_limited_by_the_size_of_the_largest_result(project, tmp_path):
    choices = (project / f"{JAVA}/Choices.kt").read_text()
    assert "const val MAX_PHOTO_PIXELS = 16000000\n" in choices
    larger = Tensor(shape=(None, 32, 48, 3))

    def enlarge(image):
        return {"image": tf.repeat(tf.repeat(image, 4, 1), 4, 2)}

    signature = Signature("enlarge", enlarge, outputs=(larger,))
    bundle = exporters.export({"enlarge": signature}, tmp_path / "bundle")
    app = exporters.write_android_project(bundle, tmp_path / "app")
    (choices,) = app.rglob("Choices.kt")
    assert "const val MAX_PHOTO_PIXELS = 1000000\n" in choices.read_text()  # 16 million / 4²


def test_words_of_a_foreign_manifest_stay_text():
    records = make_records({"a_to_b": negative("a_to_b")})
    ((offer,), _) = offers(records, {"a": '"); exit("', "b": "${x}\\\n"})
    assert 'Choice("\\"); exit(\\" to \\${x}\\\\ ") {' in offer.code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "int8"}, "`recipe` must be one of the bundle's .float32., got 'int8'; export"),
        ({"package": "zebras"}, "`package` must be two or more words of .* got 'zebras'"),
        ({"package": "org.in.zebras"}, "none of them a keyword of Kotlin or Java"),
        ({"package": "org.example.new"}, "none of them a keyword of Kotlin or Java"),
        ({"package": 'org.x";'}, "`package` must be"),
    ],
)
def test_a_wrong_option_is_refused_and_nothing_is_written(small, tmp_path, options, message):
    with pytest.raises(exporters.ExportError, match=message):
        exporters.write_android_project(small, tmp_path / "app", **options)
    assert list(tmp_path.iterdir()) == []


def test_words_that_only_the_examples_reserve_can_be_in_a_package(small, tmp_path):
    package = "run.gpu.inputs"  # names in Translator.kt
    app = exporters.write_android_project(small, tmp_path / "app", package=package)
    assert 'namespace = "run.gpu.inputs"' in (app / "app" / "build.gradle.kts").read_text()


def test_a_project_has_a_name_that_gradle_accepts(small, tmp_path):
    bundle = shutil.copytree(small, tmp_path / '.zebras "$x" v1.')
    app = exporters.write_android_project(bundle, tmp_path / "app")
    settings = (app / "settings.gradle.kts").read_text()
    assert 'rootProject.name = "zebras __x_ v1"\n' in settings


def test_a_project_never_overwrites(small, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "mine.txt").write_text("kept")
    with pytest.raises(exporters.ExportError, match="not empty; a project never overwrites"):
        exporters.write_android_project(small, tmp_path / "app")
    assert [path.name for path in (tmp_path / "app").iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_a_bundle_without_a_fitting_signature_is_refused(tmp_path):
    bundle = exporters.export({"swap": swap()}, tmp_path / "bundle")
    with pytest.raises(exporters.ExportError, match=r"makes one colour image of one .* swap"):
        exporters.write_android_project(bundle, tmp_path / "app")


def test_a_changed_model_is_refused(copy, tmp_path):
    with (copy / "float32.tflite").open("ab") as file:
        file.write(b"!")
    with pytest.raises(exporters.BundleError, match=r"float32\.tflite has .* bytes"):
        exporters.write_android_project(copy, tmp_path / "app")


def test_a_path_of_a_model_cannot_be_code(copy, edit_manifest, tmp_path):
    path = 'x" + run { exit() } + ".tflite'
    (copy / "float32.tflite").rename(copy / path)

    def change(content):
        content["artifacts"]["float32"]["path"] = path
        content["files"][path] = content["files"].pop("float32.tflite")

    edit_manifest(copy, change)
    with pytest.raises(exporters.BundleError, match=r"`artifacts.float32.path`: it must be letter"):
        exporters.write_android_project(copy, tmp_path / "app")


def test_code_of_a_bundle_is_not_taken_over(copy, tmp_path):
    (copy / "examples" / "Translator.kt").write_text("evil")
    app = exporters.write_android_project(copy, tmp_path / "app")
    assert not any("evil" in path.read_text() for path in app.rglob("*.kt"))
    assert open_bundle(copy).manifest.model_version == ""
    assert "Model version: not stated at export." in (app / "README.md").read_text()
