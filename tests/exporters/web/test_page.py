"""What `export` puts into a bundle for its page."""

import base64
import hashlib
import json
import re
import shutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import exporters
from exporters import BundleError, ExportError
from exporters.bundle.signatures import make_records
from exporters.inference.images import to_uint8
from exporters.web.litert import PACKAGES, litert_files
from exporters.web.page import build_page, page_files
from tests.exporters.fakes import Signature, Tensor, dim, negative, refine, scalars
from tests.exporters.web.sites import SHARED, export_fakes, pack_stand_ins


@pytest.fixture(scope="module")
def metadata(site):
    return json.loads((site / "web" / "page.json").read_text())


@pytest.fixture(scope="module")
def by_title(metadata):
    return {one["title"]: one for one in metadata["signatures"]}


@pytest.mark.thorough
def test_the_manifest_covers_every_file_of_the_page(site):
    listed = exporters.open_bundle(site).manifest.files
    there = {p.relative_to(site).as_posix() for p in (site / "web").rglob("*") if p.is_file()}
    assert there == {path for path in listed if path.startswith("web/")}
    for name in ("index.html", "page.js", "page.css", "litert/core.js", "litert/LICENSE"):
        assert f"web/{name}" in there


@pytest.mark.thorough
def test_a_bundle_with_a_page_verifies_until_the_page_is_changed(site, tmp_path):
    assert exporters.verify(site, isolated=False).passed
    copy = shutil.copytree(site, tmp_path / "copy")
    with (copy / "web" / "page.js").open("a") as file:
        file.write("//")
    assert any(
        "web/page.js has" in failure for failure in exporters.verify(copy, isolated=False).failures
    )


def test_the_files_of_litert_are_those_the_page_asks_for(site):
    names = {name for package in PACKAGES for name in package.files.values()}
    folder = site / "web" / "litert"
    assert {path.name for path in folder.iterdir()} == names | {"LICENSE"}
    assert (folder / "core.js").read_text() == "// dist/index.js"
    index = (site / "web" / "index.html").read_text()
    imports = json.loads(re.search(r'"importmap">(.*?)</script>', index, re.DOTALL)[1])["imports"]
    for path in imports.values():
        assert (site / "web" / path).is_file()


def test_the_import_map_is_the_one_inline_script_that_is_allowed(site):
    index = (site / "web" / "index.html").read_text()
    (inline,) = re.findall(r"<script(?![^>]*src=)[^>]*>(.*?)</script>", index, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in index
    assert "unsafe-inline" not in index


def test_the_page_offers_what_translates_images_and_names_what_it_leaves_out(metadata, by_title):
    assert list(by_title) == [
        "a_to_b",
        "edit",
        "dim",
        "swap",
        "exchange",
        "paint",
        "grey",
        "alpha",
        "generated",
    ]
    assert metadata["left_out"] == []
    assert metadata["title"] == "bundle"
    assert metadata["aspect"] == "stretch"
    assert [model["recipe"] for model in metadata["models"]] == ["float32"]
    assert by_title["swap"]["exemplar"] == {
        "name": "exemplar", "height": 6, "width": 6, "channels": 3, "interpolation": "bicubic",
    }  # fmt: skip
    assert by_title["a_to_b"]["exemplar"] is None


def test_a_target_and_its_mask_are_described_and_have_no_examples(by_title):
    size = {"height": 8, "width": 12, "interpolation": "bicubic"}
    assert by_title["paint"]["target"] == {"name": "target", **size, "channels": 3}
    assert by_title["paint"]["mask"] == {"name": "mask", **size, "channels": 1}
    assert by_title["paint"]["exemplar"] is None
    assert set(by_title["paint"]["examples"]) == {"image"}
    assert by_title["swap"]["target"] is by_title["swap"]["mask"] is None


def test_signatures_that_a_browser_cannot_show_are_named():
    tensor = (Tensor(shape=(None, 8, 12, 2)),)
    two = Signature("two", lambda image: {"image": -image}, tensor, tensor)
    records = make_records({"a_to_b": negative(), "two": two})
    metadata = json.loads(page_files("page", {}, records, (), {}, aspect="stretch")["page.json"])
    assert [one["title"] for one in metadata["signatures"]] == ["a_to_b"]
    assert metadata["left_out"] == ["two"]


def test_sliders_extend_beyond_the_range_and_start_with_a_visible_effect(by_title):
    rows = {row["label"]: row for row in by_title["edit"]["scalar_inputs"]}
    assert {label: row["start"] for label, row in rows.items()} == {
        "glasses": 1.0, "hair=black": 1.0, "hair=blond": 0.0,
    }  # fmt: skip
    assert {row["attribute"] for row in rows.values()} == {"glasses", "hair"}
    assert all((row["min"], row["max"]) == (-1.0, 2.0) for row in rows.values())
    (strength,) = by_title["dim"]["scalar_inputs"]
    assert (strength["start"], strength["min"], strength["max"]) == (1.0, 0.0, 2.0)


def test_a_second_attribute_starts_absent(tmp_path, monkeypatch):
    inputs = (Tensor(), scalars("attributes", "glasses", "beard"))
    fake = Signature("f", lambda image, attributes: {"image": image + 0 * attributes[0, 0]}, inputs)
    packed = pack_stand_ins(tmp_path, monkeypatch)
    bundle = exporters.export({"f": fake}, tmp_path / "bundle", web=packed)
    (shown,) = json.loads((bundle / "web" / "page.json").read_text())["signatures"]
    assert [row["start"] for row in shown["scalar_inputs"]] == [1.0, 0.0]


def test_four_golden_images_are_examples_and_are_stored_once(site, by_title):
    names = by_title["a_to_b"]["examples"]["image"]
    assert names == by_title["edit"]["examples"]["image"] == by_title["swap"]["examples"]["image"]
    assert len(names) == 4
    for name, image in zip(names, SHARED, strict=False):
        with Image.open(site / "web" / name) as opened:
            np.testing.assert_array_equal(np.asarray(opened), to_uint8(image))
    assert len(by_title["swap"]["examples"]["exemplar"]) == 2
    assert by_title["generated"]["examples"] == {"image": []}
    assert len(list((site / "web" / "examples").iterdir())) == 6


def test_examples_are_scaled_by_the_value_range_of_their_signature():
    tensor = Tensor(value_range=(0.0, 255.0))
    signature = Signature("a_to_b", lambda image: {"image": image}, (tensor,), (tensor,))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 12, 3), np.uint8)
    examples = {"a_to_b": {"image": pixels.astype(np.float32)}}
    records = make_records({"a_to_b": signature})
    files = page_files("title", {}, records, [], examples, aspect="stretch")
    (name,) = (each for each in files if each.startswith("examples/"))
    with Image.open(BytesIO(files[name])) as opened:
        np.testing.assert_array_equal(np.asarray(opened), pixels[0])


def test_a_page_without_signatures_to_show_is_refused_before_conversion(tmp_path):
    tensor = (Tensor(shape=(None, 8, 12, 2)),)
    two = Signature("two", lambda image: {"image": -image}, tensor, tensor)
    with pytest.raises(ExportError, match="a page needs a signature that maps images"):
        exporters.export({"two": two}, tmp_path / "bundle", web=[])
    assert not (tmp_path / "bundle").exists()


def test_another_version_of_litert_is_refused(tmp_path):
    other = tmp_path / "core.tgz"
    other.write_bytes(b"other")
    with pytest.raises(ExportError, match=r"@litertjs/core@2\.5\.3 with the sha256 a976.*core.tgz"):
        litert_files([other])
    with pytest.raises(ExportError, match="got nothing; make it with npm pack @litertjs/core"):
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle", web=[])


def test_optional_scalars_start_at_their_defaults_and_steps_end_at_the_maximum():
    records = make_records({"refine": refine(), "dim": dim()})
    metadata = json.loads(page_files("page", {}, records, (), {}, aspect="stretch")["page.json"])
    rows = {row["label"]: row for one in metadata["signatures"] for row in one["scalar_inputs"]}
    shown = {label: (row["min"], row["start"], row["max"]) for label, row in rows.items()}
    assert shown["steps"] == (0.0, 3.0, 4.0)  # there are no more than 4
    assert (rows["steps"]["step"], rows["strength"]["step"]) == (1, 0.05)
    assert shown["strength"] == (0.0, 1.0, 2.0)  # which may exaggerate
    assert shown["cold"] == (-1.0, 0.0, 2.0)


@pytest.mark.slow
def test_a_generated_page_equals_the_one_that_export_writes(tmp_path, monkeypatch):
    packed = pack_stand_ins(tmp_path, monkeypatch)
    plain, with_page = tmp_path / "plain" / "bundle", tmp_path / "with" / "bundle"
    export_fakes(plain, None)
    before = {path: path.stat().st_mtime_ns for path in plain.rglob("*")}
    made = build_page(exporters.open_bundle(plain), packed)
    assert {path: path.stat().st_mtime_ns for path in plain.rglob("*")} == before
    export_fakes(with_page, packed)
    files = [path for path in (with_page / "web").rglob("*") if path.is_file()]
    written = {path.relative_to(with_page).as_posix(): path.read_bytes() for path in files}
    metadata = [json.loads(each.pop("web/page.json")) for each in (made, written)]
    kept = {name: content for name, content in made.items() if not name.startswith("web/examples")}
    assert kept.items() <= written.items()
    # Golden cases hold no more than there are of every input: 2 of the 6 images of "swap",
    # and 1 of "edit"; a batch for one input alone leaves the others seeded.
    for one, other in zip(*(each["signatures"] for each in metadata), strict=True):
        for role, names in one["examples"].items():
            assert all(made[f"web/{name}"].startswith(b"\x89PNG") for name in names)
            count = {"swap": 2, "edit": 1}.get(one["title"], 4)
            if other["examples"][role]:
                assert names == other["examples"][role][:count]
        assert {**one, "examples": 0} == {**other, "examples": 0}
    assert {**metadata[0], "signatures": 0} == {**metadata[1], "signatures": 0}


def test_damaged_golden_images_are_not_shown(tmp_path, monkeypatch, copy):
    packed = pack_stand_ins(tmp_path, monkeypatch)
    with (copy / "golden.npz").open("ab") as file:
        file.write(b"!")
    with pytest.raises(BundleError, match=r"golden\.npz has \d+ bytes where the manifest says"):
        build_page(exporters.open_bundle(copy), packed)
