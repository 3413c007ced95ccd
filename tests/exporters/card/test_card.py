"""The card against the manifest, the files and the metadata it was given."""

import json
import re
import shutil

import pytest

import exporters
from exporters import ExportError
from tests.exporters.card.conftest import MEASURED, PROVENANCE, SOURCE
from tests.exporters.fakes import negative


@pytest.fixture(scope="module")
def text(described):
    return (described / "card.md").read_text("utf-8")


def _row(text, first):
    """The cells of the one table row that begins with `first`."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def test_facts_are_shown_as_they_were_given(text):
    assert text.startswith("# heads\n\nEncodes an image without its attributes.\n")
    assert "Method: Fader Networks. Run: fader. Trained for 7 steps." in text
    assert "## Intended use\n\nDrawn heads | not people." in text
    assert "- Training data: avatars\n- Licence: Open Peeps, CC0 1.0" in text
    assert "%%" not in text


def test_metrics_stand_with_interval_comparison_and_protocol(text):
    row = _row(text, "`domain/accuracy`")
    assert row == [
        "`domain/accuracy` ↑",
        "0.951 [0.900, 0.970] (0.002)",
        "0.620 ± 0.011 (0.002)",
    ]
    assert "| metric | `add_glasses` | `remove_glasses` |\n|---|---|---|" in text
    protocol = (
        "- `domain/accuracy`: Share taken for the target. Measured by: judge at 64 px; n = 512."
    )
    assert text.count(protocol) == 1
    assert "(at step" not in text
    assert "\n- 3 held-out images are also training images.\n- `domain" in text


def test_sizes_are_those_of_the_files(described, text):
    for recipe in ("float32", "float16"):
        size = (described / f"{recipe}.tflite").stat().st_size
        assert _row(text, f"`{recipe}.tflite`")[:3] == [f"`{recipe}.tflite`", recipe, f"{size:,}"]
    whole = sum(f.stat().st_size for f in (described / "saved_model").rglob("*") if f.is_file())
    assert _row(text, "`saved_model/`")[2] == f"{whole:,}"
    assert _row(text, "`float16.tflite`")[-1] == "at least 50 dB"


def test_every_tensor_an_app_feeds_or_gets_has_a_row(described, text):
    manifest = json.loads((described / "manifest.json").read_text())
    sections = dict(re.findall(r"### `(\w+)`\n(.*?)(?=\n###|\n## |\nThe same)", text, re.DOTALL))
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
    assert "| in | `latent` | float32 [1, 4, 5] | any value | must be given |  |" in text


def test_the_card_says_how_to_feed_what_there_is_and_nothing_else(text, small):
    for part in ("Numbers come in the order", "if nobody chose", "`steps` is how many", "`latent`"):
        assert part in text
    plain = (small / "card.md").read_text("utf-8")
    assert "8-bit levels, row by row" in plain
    for part in ("Numbers come in", '"if nobody chose" is', "`steps`", "is unbounded"):
        assert part not in plain


def test_what_is_not_known_is_said_to_be_unknown(small):
    text = (small / "card.md").read_text("utf-8")
    assert "Not stated by whoever exported it" in text
    assert "- Training data: not stated by whoever exported it." in text
    assert "- Licence: not stated by whoever exported it; ask before you ship." in text
    assert "None came with the export: the run had not been evaluated." in text


def test_metrics_of_another_step_are_said_to_be_so(tmp_path):
    source = {**SOURCE, "step": 9}
    path = exporters.export({"a_to_b": negative()}, tmp_path / "bundle", source=source)
    assert "How they were measured (at step 7, while the model here is of step 9):" in (
        path / "card.md"
    ).read_text("utf-8")


def test_the_manifest_covers_card_and_examples_and_verify_notices_a_change(described, tmp_path):
    manifest = exporters.open_bundle(described).manifest
    covered = ("card.md", "examples/Translator.kt", "examples/Translator.swift")
    assert set(covered) <= set(manifest.files)
    assert manifest.source == SOURCE
    assert manifest.provenance == PROVENANCE
    assert exporters.verify(described).passed
    copy = shutil.copytree(described, tmp_path / "copy")
    for path in covered:
        with (copy / path).open("a") as file:
            file.write("!")
    faults = [check.path for check in exporters.verify(copy).files if not check.passed]
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
def test_facts_of_another_form_are_refused(tmp_path, options, message):
    with pytest.raises(ExportError, match=message):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle", **options)
    assert list(tmp_path.iterdir()) == []
