"""The card agrees with the manifest, the files and the metadata."""

import json
import re
import shutil

import pytest

import exporters
from exporters import ExportError
from exporters.card.write import card
from tests.exporters.card.conftest import MEASURED, PROVENANCE, SOURCE
from tests.exporters.fakes import negative


@pytest.fixture(scope="module")
def text(described):
    return (described / "card.md").read_text("utf-8")


def _row(text, first):
    """The cells of the one table row that begins with `first`."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def test_the_card_shows_the_metadata_passed_to_export(text):
    assert text.startswith("# heads\n\nEncodes an image without its attributes.\n")
    assert "Method: Fader Networks. Run: fader. Trained for 7 steps." in text
    assert "## Intended use\n\nDrawn heads | not people." in text
    assert "- Training data: avatars\n- License: Open Peeps, CC0 1.0" in text
    assert "%%" not in text


def test_the_card_shows_versions_and_directions_in_words(small, text):
    assert "Version of the model: not stated at export; `digest` in `manifest.json`" in text
    manifest = exporters.open_bundle(small).manifest
    named = manifest.model_copy(
        update={"model_version": "1.2.0", "source": {"domains": {"a": "horses", "b": "zebras"}}}
    )
    page = card("title", named)
    assert "\nVersion of the model: 1.2.0.\n" in page
    assert "### `a_to_b_uint8`\n\nHorses to zebras.\n\n|" in page
    assert (
        "`examples/Translator.kt` and `examples/Images.kt`: Android 7.0 (minSdk 24) or newer, "
        "LiteRT 2.3.0." in page
    )


def test_the_card_says_where_golden_cases_are(small):
    manifest = exporters.open_bundle(small).manifest
    assert "`golden/index.json` lists inputs" in card("title", manifest)
    files = {name: one for name, one in manifest.files.items() if not name.startswith("golden/")}
    without = card("title", manifest.model_copy(update={"files": files}))
    assert "Golden cases are in `golden.npz` alone" in without
    assert "more than 2 MiB" in without


def test_the_card_shows_metrics_with_interval_baseline_and_protocol(text):
    row = _row(text, "`domain/accuracy`")
    assert row == [
        "`domain/accuracy` ↑",
        "0.951 [0.900, 0.970] (0.002)",
        "0.620 ± 0.011 (0.002)",
    ]
    assert "| metric | `add_glasses` | `remove_glasses` |\n|---|---|---|" in text
    protocol = (
        "- `domain/accuracy`: Fraction classified as the target. "
        "Measured by: judge at 64 px; n = 512."
    )
    assert text.count(protocol) == 1
    assert "(at step" not in text
    assert "\n- 3 held-out images are also training images.\n- `domain" in text


def test_the_card_shows_the_sizes_of_the_files(described, text):
    for recipe in ("float32", "float16"):
        size = (described / f"{recipe}.tflite").stat().st_size
        assert _row(text, f"`{recipe}.tflite`")[:3] == [f"`{recipe}.tflite`", recipe, f"{size:,}"]
    whole = sum(f.stat().st_size for f in (described / "saved_model").rglob("*") if f.is_file())
    assert _row(text, "`saved_model/`")[2] == f"{whole:,}"
    assert _row(text, "`float16.tflite`")[-1] == "at least 50 dB"


def test_every_input_and_output_for_apps_has_a_row_on_the_card(described, text):
    manifest = json.loads((described / "manifest.json").read_text())
    sections = dict(
        re.findall(r"### `(\w+)`\n(.*?)(?=\n###|\n## |\nFloat variants)", text, re.DOTALL)
    )
    wrapped = {each["pixels_of"] for each in manifest["signatures"].values()}
    assert set(sections) == set(manifest["signatures"]) - wrapped
    for name, section in sections.items():
        record = manifest["signatures"][name]
        rows = re.findall(r"^\| (in|out) \| `(\w+)` \| (\w+) \[([\d, ]+)\] \|", section, re.M)
        assert rows == [
            (role, tensor["name"], tensor["dtype"], ", ".join(map(str, tensor["shape"])))
            for role, tensors in (("in", record["inputs"]), ("out", record["outputs"]))
            for tensor in tensors
        ]
    assert "| in | `steps` | float32 [1, 1] | 0..4 | 3 | how many steps count |" in text
    assert "| in | `style` | float32 [1, 2] | 0..1 | 1, 0 | in order: warm, cold |" in text
    assert "| in | `latent` | float32 [1, 4, 5] | any value | required |  |" in text


def test_the_card_explains_the_inputs_that_exist_and_no_others(text, small):
    for part in ("one value per label", "use the default", "`steps` is the number", "`latent`"):
        assert part in text
    plain = (small / "card.md").read_text("utf-8")
    assert "8-bit levels, row by row" in plain
    for part in ("one value per label", "use the default", "`steps`", "is unbounded"):
        assert part not in plain


def test_the_card_says_what_is_unknown(small):
    text = (small / "card.md").read_text("utf-8")
    assert "Not stated at export." in text
    assert "- Training data: not stated at export." in text
    assert "- License: not stated at export; ask before you distribute the model." in text
    assert "None: the run was not evaluated before it was exported." in text


@pytest.mark.thorough
def test_the_card_says_if_metrics_belong_to_another_step(tmp_path):
    source = {**SOURCE, "step": 9}
    path = exporters.export({"a_to_b": negative()}, tmp_path / "bundle", source=source)
    assert "measured (at step 7, but the exported model is from step 9):" in (
        path / "card.md"
    ).read_text("utf-8")


def test_the_manifest_covers_card_and_examples_and_verify_notices_a_change(described, tmp_path):
    manifest = exporters.open_bundle(described).manifest
    languages = ("examples/Images.kt", "examples/Images.swift")
    languages += ("examples/Translator.kt", "examples/Translator.swift")
    covered = ("card.md", *languages)
    assert set(covered) <= set(manifest.files)
    assert manifest.source == SOURCE
    assert manifest.provenance == PROVENANCE
    assert exporters.verify(described, isolated=False).passed
    copy = shutil.copytree(described, tmp_path / "copy")
    for path in covered:
        with (copy / path).open("a") as file:
            file.write("!")
    faults = [
        check.path for check in exporters.verify(copy, isolated=False).files if not check.passed
    ]
    assert faults == list(covered)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": {"step": "many"}}, "`source.step`, which the card shows, .*integer.*'many'"),
        (
            {"source": {"metrics": [{**MEASURED, "value": None}]}},
            r"`source.metrics.0.value`, which the card shows, .* got None",
        ),
        (
            {"source": {"metrics": [{**MEASURED, "better": "bigger"}]}},
            r"`source.metrics.0.better`.*'higher' or 'lower'",
        ),
        ({"provenance": {"license": 3}}, "`provenance.license`, which the card shows, .* got 3"),
    ],
)
def test_metadata_of_a_wrong_type_is_refused(tmp_path, options, message):
    with pytest.raises(ExportError, match=message):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("aspect", "words"),
    [
        ("stretch", "resize height and width to the model's size, each by itself"),
        ("letterbox", "centre it, and fill the rest by reflection, as in training"),
        ("crop", "cut out the centre part with the model's aspect ratio"),
    ],
)
def test_the_card_says_how_images_come_to_the_size_of_the_model(small, aspect, words):
    manifest = exporters.open_bundle(small).manifest.model_copy(update={"aspect": aspect})
    assert words in " ".join(card("title", manifest).split())
