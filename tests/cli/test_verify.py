"""`verify` with judges, pictures and a sheet, from training to the table."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import write_pairs


@pytest.fixture(scope="module")
def judged(trained, tmp_path_factory):
    """The tiny run evaluated and exported: a bundle that carries judges."""
    from tests.cli.conftest import _invoke

    folder = tmp_path_factory.mktemp("judged")
    shutil.copytree(trained, folder / "run")
    _invoke("evaluate", folder / "run")
    _invoke("export", folder / "run", "--bundle", folder / "bundle", "--recipe", "dynamic_int8")
    return folder / "bundle"


def test_the_bundle_carries_the_judges_of_its_run(judged):
    names = sorted(path.name for path in (judged / "judges").iterdir())
    assert [name.split("-")[0] for name in names] == ["content", "directions.json", "domain"]
    listed = json.loads((judged / "manifest.json").read_text())["files"]
    assert {f"judges/{name}" for name in names} < set(listed)


def test_verify_says_what_a_recipe_changes_and_writes_a_sheet(command, judged, tmp_path):
    photos = write_pairs(tmp_path / "own", train=0, test=5, seed=7, size=20) / "test" / "b"
    sheet = tmp_path / "sheet.png"
    code, out, error = command("verify", judged, "--images", photos, "--sheet", sheet, "--json")
    assert code == 0, error
    result = json.loads(out)
    assert result["judges"] == "judges of the run's evaluation: a_to_b"
    assert (result["pictures"], result["sheet"]) == (5, str(sheet))
    figures = {each["figure"] for each in result["judged"]}
    content = {f"a_to_b content/{name}" for name in ("similarity", "retrieval@1")}
    assert figures == content | {f"a_to_b domain/{name}" for name in ("accuracy", "logit")}
    for each in result["judged"]:
        assert each["cases"] == 4 + 5  # held-out golden ones, and those given
        assert each["change"] == each["value"] - each["original"]
        if each["artifact"] == "saved_model" and each["signature"] == "a_to_b":
            assert each["change"] == pytest.approx(0, abs=1e-3)
    for each in result["outputs"]:
        assert each["held_out"]["cases"] == 4
        assert each["ssim"] <= 1
        assert len(each["colour_shift"]) == 3
        assert (each["images"] is None) == (each["artifact"] == "saved_model")
    # 4 held-out and 2 seeded rows of 16 pixels times 7, six columns.
    assert Image.open(sheet).size == (6 * 116 + 4, 26 + 18 + 6 * 116)


def test_people_read_the_same_in_tables(command, judged):
    code, out, _ = command("verify", judged)
    assert code == 0
    assert "judges of the run's evaluation: a_to_b" in out
    assert "SSIM" in out
    assert out.rstrip().endswith("verified")


def test_without_judges_one_line_says_so(command, bundle):
    code, out, _ = command("verify", bundle)
    assert code == 0
    assert "the bundle carries no judges" in " ".join(out.split())


def _resign(bundle, path):
    content = (bundle / path).read_bytes()
    manifest = json.loads((bundle / "manifest.json").read_text())
    record = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    manifest["files"][path] = record
    del manifest["digest"]
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest | {"digest": digest}))


def test_damaged_judges_are_not_asked_and_fail_the_check(command, judged, tmp_path):
    bundle = shutil.copytree(judged, tmp_path / "bundle")
    (file,) = (bundle / "judges").glob("domain-*.npz")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    code, out, _ = command("verify", bundle)
    said = " ".join(out.split())
    assert code == 1
    assert "judges are damaged and were not asked" in said
    assert f"{file.name} was changed after export" in said


def test_forged_judges_are_a_mistake_and_nothing_of_them_is_run(mistake, judged, tmp_path):
    bundle = shutil.copytree(judged, tmp_path / "bundle")
    (file,) = (bundle / "judges").glob("domain-*.npz")
    np.savez(file, weight_00=np.array([print], dtype=object))  # a pickle inside
    _resign(bundle, f"judges/{file.name}")
    assert f"judges/{file.name} must hold the members" in mistake("verify", bundle)
    note = bundle / "judges" / "directions.json"
    note.write_text(note.read_text().replace('"protocol": 1', '"protocol": 7'))
    _resign(bundle, "judges/directions.json")
    assert "judges' protocol 7 and this version knows 1" in mistake("verify", bundle)


def test_judges_that_are_named_and_missing_are_a_mistake(mistake, judged, tmp_path):
    bundle = shutil.copytree(judged, tmp_path / "bundle")
    note = bundle / "judges" / "directions.json"
    content = json.loads(note.read_text())
    content["directions"]["a_to_b"]["kept_as"] = "0" * 16
    note.write_text(json.dumps(content))
    _resign(bundle, "judges/directions.json")
    expected = f"names the judge judges/domain-{'0' * 16}.npz, which is not in the bundle"
    assert expected in mistake("verify", bundle)


def test_places_that_do_not_do_are_mistakes(mistake, bundle, tmp_path):
    assert "there is no folder" in mistake("verify", bundle, "--images", tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "holds no pictures" in mistake("verify", bundle, "--images", tmp_path / "empty")
    inside = bundle / "sheet.png"
    assert "must lie outside the bundle" in mistake("verify", bundle, "--sheet", inside)
