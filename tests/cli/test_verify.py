"""`verify` with judges, images and a sheet, from training to the table."""

import functools
import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import exporters
from tests.cli.conftest import write_pairs
from tests.exporters.fakes import negative
from tf_translate import images
from tf_translate.cli import verify


@pytest.fixture(scope="module")
def judged(trained, tmp_path_factory):
    """A bundle with judges: the tiny run, evaluated and exported."""
    from tests.cli.conftest import run_in_this_process

    folder = tmp_path_factory.mktemp("judged")
    shutil.copytree(trained, folder / "run")
    run_in_this_process("evaluate", folder / "run")
    run_in_this_process(
        "export", folder / "run", "--bundle", folder / "bundle", "--recipe", "dynamic_int8"
    )
    return folder / "bundle"


@pytest.mark.slow
def test_the_bundle_carries_the_judges_of_its_run(judged):
    names = sorted(path.name for path in (judged / "judges").iterdir())
    assert [name.split("-")[0] for name in names] == ["content", "directions.json", "domain"]
    listed = json.loads((judged / "manifest.json").read_text())["files"]
    assert {f"judges/{name}" for name in names} < set(listed)


@pytest.mark.thorough
def test_verify_says_what_a_recipe_changes_and_writes_a_sheet(command, judged, tmp_path):
    photos = write_pairs(tmp_path / "own", train=0, test=5, seed=7, size=20) / "test" / "b"
    sheet = tmp_path / "sheet.png"
    code, out, error = command("verify", judged, "--images", photos, "--sheet", sheet, "--json")
    assert code == 0, error
    result = json.loads(out)
    assert result["judges"] == "judges of the run's evaluation: a_to_b"
    assert (result["images"], result["sheet"]) == (5, str(sheet))
    metrics = {each["metric"] for each in result["judge_metrics"]}
    content = {f"a_to_b content/{name}" for name in ("similarity", "retrieval@1")}
    assert metrics == content | {f"a_to_b domain/{name}" for name in ("accuracy", "logit")}
    for each in result["judge_metrics"]:
        assert each["cases"] == 4 + 5  # held-out golden images, and those of --images
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


@pytest.mark.slow
def test_verify_prints_the_same_as_tables(command, judged):
    code, out, _ = command("verify", judged)
    assert code == 0
    assert "judges of the run's evaluation: a_to_b" in out
    assert "SSIM" in out
    assert out.rstrip().endswith("verified")


@pytest.mark.slow
def test_verify_without_judges_says_so_in_one_line(command, bundle):
    code, out, _ = command("verify", bundle)
    assert code == 0
    assert "the bundle has no judges" in " ".join(out.split())


def _resign(bundle, path):
    content = (bundle / path).read_bytes()
    manifest = json.loads((bundle / "manifest.json").read_text())
    record = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    manifest["files"][path] = record
    del manifest["digest"]
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest | {"digest": digest}))


@pytest.mark.slow
def test_damaged_judges_are_not_used_and_fail_the_check(command, judged, tmp_path):
    bundle = shutil.copytree(judged, tmp_path / "bundle")
    (file,) = (bundle / "judges").glob("domain-*.npz")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    code, out, _ = command("verify", bundle)
    text = " ".join(out.split())
    assert code == 1
    assert "judges are damaged and were not used" in text
    assert f"{file.name} was changed after export" in text


@pytest.mark.thorough
def test_forged_judges_are_a_mistake_and_nothing_of_them_is_run(mistake, judged, tmp_path):
    bundle = shutil.copytree(judged, tmp_path / "bundle")
    (file,) = (bundle / "judges").glob("domain-*.npz")
    np.savez(file, weight_00=np.array([print], dtype=object))  # a pickle inside
    _resign(bundle, f"judges/{file.name}")
    assert f"judges/{file.name} must hold the members" in mistake("verify", bundle)
    note = bundle / "judges" / "directions.json"
    note.write_text(note.read_text().replace('"protocol": 1', '"protocol": 7'))
    _resign(bundle, "judges/directions.json")
    assert "has judges of protocol 7, this version supports 1" in mistake("verify", bundle)


@pytest.mark.thorough
def test_a_missing_judge_file_is_a_mistake(mistake, judged, tmp_path):
    bundle = shutil.copytree(judged, tmp_path / "bundle")
    note = bundle / "judges" / "directions.json"
    content = json.loads(note.read_text())
    content["directions"]["a_to_b"]["file_id"] = "0" * 16
    note.write_text(json.dumps(content))
    _resign(bundle, "judges/directions.json")
    expected = f"names the judge judges/domain-{'0' * 16}.npz, which is not in the bundle"
    assert expected in mistake("verify", bundle)


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory):
    fakes = {name: negative(name) for name in ("a_to_b", "b_to_a")}
    return exporters.export(fakes, tmp_path_factory.mktemp("both") / "bundle")


@pytest.fixture
def image_folders(tmp_path):
    """Folders of 3 and 5 images; a name with an equals sign is a folder's like any other."""
    for name, count in (("three", 3), ("fi=ve", 5)):
        for index in range(count):
            pixels = np.full((8, 12, 3), 40 * index, np.uint8)
            images.write(tmp_path / name / f"{index}.png", pixels)
    return tmp_path / "three", tmp_path / "fi=ve"


@pytest.mark.parametrize(
    ("options", "counts", "read"),
    [
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (
                (("{three}",), {"a_to_b": 3, "b_to_a": 3}, 3),
                (("{five}",), {"a_to_b": 5, "b_to_a": 5}, 5),
                (("a_to_b={three}", "b_to_a={five}"), {"a_to_b": 3, "b_to_a": 5}, 8),
                (("b_to_a={five}",), {"a_to_b": None, "b_to_a": 5}, 5),
            )
        ),
        (("{three}", "b_to_a={five}"), {"a_to_b": 3, "b_to_a": 5}, 8),
    ],
)
def test_each_signature_may_have_a_folder_of_its_own(
    command, monkeypatch, both_ways, image_folders, options, counts, read
):
    in_this_process = functools.partial(exporters.verify, isolated=False)
    monkeypatch.setattr(exporters, "verify", in_this_process)
    named = dict(zip(("three", "five"), image_folders, strict=True))
    arguments = [part for text in options for part in ("--images", text.format(**named))]
    code, out, error = command("verify", both_ways, *arguments, "--json")
    assert code == 0, error
    result = json.loads(out)
    assert result["images"] == read
    for check in result["outputs"]:
        expected = counts[check["signature"].removesuffix("_uint8")]
        if check["artifact"] == "saved_model":
            expected = None  # it computes the expected outputs
        assert (check["images"] and check["images"]["cases"]) == expected


def test_folders_for_unknown_signatures_or_given_twice_are_mistakes(
    mistake, both_ways, image_folders
):
    three, five = image_folders

    def sentence_of(*texts):
        return mistake("verify", both_ways, *(p for text in texts for p in ("--images", text)))

    assert f"names 'c', and the signatures of {both_ways} that take images are a_to_b, b_to_a" in (
        sentence_of(f"c={three}")
    )
    assert f"two folders for a_to_b, {three} and {five}; leave one of them out" in (
        sentence_of(f"a_to_b={three}", f"a_to_b={five}")
    )
    sentence = sentence_of(three, five)
    assert f"two folders for all signatures, {three} and {five}" in sentence
    assert f"or name the signature of each, as in a_to_b={five}" in sentence
    assert "there is no folder nowhere of images" in sentence_of("a_to_b=nowhere")


def test_invalid_paths_of_images_and_sheets_are_mistakes(mistake, bundle, tmp_path):
    assert "there is no folder" in mistake("verify", bundle, "--images", tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "holds no images" in mistake("verify", bundle, "--images", tmp_path / "empty")
    inside = bundle / "sheet.png"
    assert "must lie outside the bundle" in mistake("verify", bundle, "--sheet", inside)


def test_sixteen_bit_images_have_the_white_level_of_the_run(tmp_path):
    source = {"config": {"data": {"white_level": 4095}}}
    bundle = exporters.open_bundle(
        exporters.export({"a_to_b": negative()}, tmp_path / "bundle", source=source)
    )
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.full((8, 12), 4095, np.uint16)).save(tmp_path / "photos" / "deep.png")
    found, count = verify._images(bundle, {"a_to_b": tmp_path / "photos"})
    assert count == 1
    assert found["a_to_b"][0].min() == 255  # 4095 of 65535 is 15
