"""Pages of the documentation: their commands, settings, Python names and links exist."""

import ast
import functools
import re

import pytest
import typer

import exporters
import tf_translate
from exporters.bundle import manifest
from scripts.docs_pages import generate
from scripts.docs_pages.links import ROOT, all_pages, links, without_code
from scripts.results.methods_table import own_methods
from tests.docs.code_blocks import code_blocks, tf_translate_commands
from tf_translate.cli.main import app
from tf_translate.config.load import presets
from tf_translate.config.schema import Config
from tf_translate.config.setting_errors import keys
from tf_translate.training.run_dir import RunDir

PAGES = all_pages()
OLDER = {"CHANGELOG.md", "assets/results/README.md"}  # these name settings of earlier versions
_TABLES = ("data.where", "data.attributes", "training.stages")  # of keys that users choose


@functools.cache
def _read(page):
    return (ROOT / page).read_text("utf-8")


def _check(words):
    """Parses a command as the command line does; an unknown option is an error."""
    group = typer.main.get_command(app)
    while words[0] == "--import":
        words = words[2:]
    while hasattr(group, "commands") and not words[0].startswith("-"):
        assert words[0] in group.commands, f"there is no command {words[0]}"
        group, words = group.commands[words[0]], words[1:]
    context = group.make_context("", [], resilient_parsing=True)
    context.resilient_parsing = False
    parsed = group.make_parser(context).parse_args(list(words))[0]
    if group.name == "launch":
        _check(list(parsed["command"]))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_in_a_page_exists(page):
    for block in code_blocks(_read(page)):
        if block.language == "bash":
            for words in tf_translate_commands(block.code):
                _check(words)


@pytest.mark.parametrize(
    "words", [["trian", "pix2pix"], ["train", "pix2pix", "--ruin", "x"], ["verify", "b", "--sheet"]]
)
def test_a_wrong_command_is_found(words):
    with pytest.raises(Exception, match=r"no command|No such|requires"):
        _check(words)


@functools.cache
def _settings():
    methods = own_methods()
    models = {key for each in methods for key in keys(each.settings, "model.")}
    models |= {key.rpartition(".")[0] for key in models}
    terms = [term for each in methods for term in each.translator.terms]
    weights = {f"loss_weights.{name}" for t in terms for name in (t.name, t.group)}
    return set(keys(Config)) | models | weights


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OLDER])
def test_every_setting_that_a_page_names_exists(page):
    text = re.sub(r"\s+", " ", _read(page))
    named = re.findall(r"--set\s+'?([\w.]+)=", text)
    named += re.findall(r"`((?:data|training|evaluation|loss_weights)\.[a-z_0-9.]+)(?:`| ?=)", text)
    named += re.findall(r"`(model\.[a-z_0-9.]+) ?=", text)
    for key in named:
        free = key.startswith(_TABLES) or key.endswith(".json") or key.lower() == "key"
        assert free or key in _settings(), key


@pytest.mark.parametrize("page", PAGES)
def test_python_in_a_page_compiles_and_imports_names_that_exist(page):
    for block in code_blocks(_read(page)):
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.code)):
            if isinstance(node, ast.ImportFrom) and node.module == "tf_translate":
                assert {alias.name for alias in node.names} <= set(tf_translate.__all__)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "exporters":
                assert node.attr in exporters.__all__, node.attr


def _anchors(page):
    """Anchors of a page's headings, as GitHub and mkdocs make them."""
    text = without_code(_read(page))
    named = re.findall(r"\{#([\w-]+)\}", text) + re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    headings = re.findall(r"^#+ (.+?)(?: \{#.*)?$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in headings)
    return {*named, *(re.sub(r"[ -]+", "-", heading) for heading in plain)}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_and_its_heading(page):
    for path, anchor in links(_read(page), page):
        assert (ROOT / path).exists(), path
        if anchor and path.endswith(".md"):
            assert anchor in _anchors(path), f"{path}#{anchor}"


def test_the_navigation_lists_every_page():
    navigation = _read("mkdocs.yml").partition("\nnav:\n")[2]
    listed = set(re.findall(r": ([\w/-]+\.md)", navigation))
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    assert pages <= listed


def test_the_site_loads_nothing_from_other_hosts():
    assert "font: false" in _read("mkdocs.yml")
    assert not re.search(r"https?://", _read("mkdocs.yml") + _read("docs/assets/site.css"))


def test_the_readme_has_at_most_120_lines():
    assert len(_read("README.md").splitlines()) <= 120


def test_the_short_programs_are_as_short_as_the_readme_says():
    (program,) = (b.code for b in code_blocks(_read("README.md")) if b.language == "python")
    assert len([line for line in program.splitlines() if line]) == 10
    tutorial = _read("docs/tutorials/python-api.md")
    (subclass,) = re.findall(r"^class .*?\n(?:    .*\n|\n)+", tutorial, re.MULTILINE)
    assert len([line for line in subclass.splitlines() if line]) == 8


def test_generated_references_are_those_of_today():
    assert generate.stale_pages() == [], "run: python -m scripts.docs_pages.generate"


def test_the_reference_has_every_public_name():
    python, ours = _read("docs/reference/python.md"), set(tf_translate.__all__)
    documented = set(re.findall(r"^::: tf_translate\.(\w+)$", python, re.MULTILINE))
    left_out = {name for name in ours if name.endswith("Settings")} | {"__version__"}
    assert documented - {"layers", "losses", "networks"} == ours - left_out
    page = _read("docs/reference/exporters.md")
    names = re.findall(r"^::: exporters\.(?:\w+\.)*(\w+)$", page, re.MULTILINE)
    assert set(names) == set(exporters.__all__)


def test_the_page_of_the_manifest_names_every_key():
    text = _read("docs/reference/manifest.md")
    for name in ("Manifest", "SignatureRecord", "TensorRecord", "ArtifactRecord", "LatencyRecord"):
        for key in getattr(manifest, name).model_fields:
            assert f"`{key}`" in text, f"{name}.{key}"


def test_the_page_on_android_names_what_the_examples_are_written_for():
    library = re.compile(r"(?:com\.google\.ai\.edge\.litert|androidx\.exifinterface):[\w.:-]+")
    kotlin = _read("assets/zoo/flat_to_3d/examples/Translator.kt")
    page = _read("docs/tutorials/android.md")
    assert set(library.findall(page)) == set(library.findall(kotlin)) != set()
    (minimum,) = set(re.findall(r"minSdk (\d+)", kotlin))
    assert set(re.findall(r"minSdk =? ?(\d+)", page)) == {minimum}
    swift = _read("assets/zoo/flat_to_3d/examples/Translator.swift")
    (versions,) = re.findall(r"TensorFlowLiteSwift ([\d.]+) and iOS ([\d.]+) or newer", swift)
    assert re.findall(r"TensorFlowLiteSwift ([\d.]+)\s+and iOS ([\d.]+)", page) == [versions]
    ios = _read("docs/tutorials/ios.md")
    assert re.findall(r"'TensorFlowLiteSwift', '~> ([\d.]+)'", ios) == [versions[0]]
    calls = ios.partition("```swift\n")[2].partition("```")[0].splitlines()
    assert calls
    assert all(line in swift for line in calls)


def test_the_page_of_the_run_folder_names_every_file():
    text = _read("docs/reference/run-folder.md")
    run = RunDir("runs/x")
    for path in vars(run).values():
        assert path == run.path or f"`{path.name}" in text, path


def test_presets_that_pages_name_exist():
    named = {
        words[1]
        for page in PAGES
        for block in code_blocks(_read(page))
        if block.language == "bash"
        for words in tf_translate_commands(block.code)
        if words[0] == "train" and not words[1].endswith(".toml") and words[1].islower()
    }
    assert named - {name.removesuffix("_small") for name in presets()} <= set(presets())
