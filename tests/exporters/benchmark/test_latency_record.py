"""Timings stored in a bundle: on its card, one table per machine, with valid hashes."""

import json
from datetime import date

import pytest

import exporters
from exporters import BundleError, Timing
from exporters.benchmark import latency_record


def _timing(signature="a_to_b_uint8", threads=1, median=12.3456, p90=15.0, recipe="float32"):
    return Timing(
        recipe=recipe, signature=signature, threads=threads, runs=20, load_ms=1.0, first_ms=2.0,
        median_ms=median, p90_ms=p90, peak_mb=1.0, model_mb=1.0, size_bytes=1, multiply_adds=1,
        parameters=1,
    )  # fmt: skip


def _section(bundle):
    text = (bundle / "card.md").read_text("utf-8")
    return text.partition("## Latency\n")[2].partition("\n## ")[0]


def test_a_fresh_card_says_how_to_measure_and_its_manifest_has_nothing(small):
    assert "Not measured yet: `tf-translate benchmark BUNDLE --card`" in _section(small)
    assert "latency" not in json.loads((small / "manifest.json").read_text())


def test_the_card_names_machine_date_files_and_sizes_and_the_bundle_verifies(copy, monkeypatch):
    monkeypatch.setattr(latency_record, "processor", lambda: "Abacus 7")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    given = [_timing(), _timing(threads=2, median=7.0, p90=8.125), _timing("a_to_b", median=3.0)]
    assert exporters.keep_latency(copy, given) == copy / "card.md"
    section = _section(copy)
    size = (copy / "float32.tflite").stat().st_size
    assert "On Abacus 7 (" in section
    assert f", {date.today().isoformat()}, 20 calls each:" in section
    assert "with LiteRT 2." in section
    assert (
        "| file | bytes | signature | 1 thread | 2 threads |\n|---|---:|---|---:|---:|" in section
    )
    row = f"| `float32.tflite` | {size:,} | `a_to_b_uint8` | 12.35 (15.00) | 7.00 (8.12) |"
    assert row in section
    assert "`a_to_b` |" not in section  # the float twin is in the manifest alone
    assert len(exporters.open_bundle(copy).manifest.latency) == 3
    assert exporters.verify(copy, isolated=False).passed
    after = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    changed = {path.name for path in before | after if before.get(path) != after.get(path)}
    assert changed == {"card.md", "manifest.json"}
    # The rest of the card is the one that export wrote, its title included.
    old = before[copy / "card.md"].decode().partition("## Latency\n")
    new = after[copy / "card.md"].decode().partition("## Latency\n")
    assert (new[0], new[2].partition("\n## ")[2]) == (old[0], old[2].partition("\n## ")[2])


def test_one_machine_replaces_its_own_times_and_no_others(copy, monkeypatch):
    for name, median in (("Abacus 7", 1.0), ("Slide rule", 2.0), ("Abacus 7", 3.0)):
        monkeypatch.setattr(latency_record, "processor", lambda name=name: name)
        exporters.keep_latency(copy, [_timing(median=median)])
    section = _section(copy)
    assert section.count("On Abacus 7 (") == section.count("On Slide rule (") == 1
    assert "| 2.00 (15.00) |" in section
    assert "| 3.00 (15.00) |" in section
    assert "| 1.00 (15.00) |" not in section
    assert exporters.verify(copy, isolated=False).passed


@pytest.mark.parametrize("name", ["card.md", "float32.tflite", "manifest.json"])
def test_what_was_changed_is_not_vouched_for_anew(copy, edit_manifest, name):
    if name == "manifest.json":
        edit_manifest(copy, lambda content: content["source"].update(run="another"))
    else:
        (copy / name).write_bytes((copy / name).read_bytes()[:-1] + b"?")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with pytest.raises(BundleError, match=f"{name} was changed after export.* export the bundle a"):
        exporters.keep_latency(copy, [_timing()])
    assert before == {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}


def test_latency_of_missing_files_and_texts_of_several_lines_are_refused(copy, edit_manifest):
    exporters.keep_latency(copy, [_timing()])
    for change, message in (
        (
            {"recipe": "float16"},
            "`latency` names signature 'a_to_b_uint8' with recipe 'float16', which is not in",
        ),
        ({"machine": "fast\n# Fastest"}, "must be one line of printable text"),
        ({"median_ms": -1.0}, "greater than 0"),
    ):
        kept = (copy / "manifest.json").read_text()
        edit_manifest(copy, lambda content, change=change: content["latency"][0].update(change))
        with pytest.raises(BundleError, match=message):
            exporters.open_bundle(copy)
        (copy / "manifest.json").write_text(kept)


def test_this_machine_has_a_name():
    assert latency_record.processor().strip()
    assert latency_record.this_machine().startswith(latency_record.processor())
