"""`tf-translate translate` on many files: broken ones, a second call, sub-folders, equal names."""

import numpy as np
import pytest
from PIL import Image

import exporters
from tests.exporters.fakes import negative, swap
from tf_translate import images
from tf_translate.image_decoding import MAX_TILED_PIXELS

FAKES = {fake.name: fake for fake in (negative(), swap())}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return exporters.export(FAKES, tmp_path_factory.mktemp("bundles") / "many")


@pytest.fixture
def photos(tmp_path):
    """Three images in a folder and its sub-folders, of levels 10, 20 and 30."""
    for level, name in ((10, "a"), (20, "x/b"), (30, "x/y/c")):
        pixels = np.full((8, 12, 3), level, np.uint8)
        images.write(tmp_path / "photos" / f"{name}.png", pixels)
    return tmp_path / "photos"


@pytest.fixture
def translate(command, bundle, tmp_path):
    """Translates; returns the exit code, stdout, stderr and the results: level by name."""

    def invoke(*arguments):
        output = tmp_path / "out"
        code, out, error = command(
            "translate", bundle, *arguments, "--output", output, "--signature", "a_to_b"
        )
        files = sorted(file for file in output.rglob("*") if file.is_file())
        results = {
            file.relative_to(output).as_posix(): int(images.read(file)[0, 0, 0]) for file in files
        }
        return code, out, error, results

    return invoke


RESULTS = {"a.png": 245, "x/b.png": 235, "x/y/c.png": 225}  # negatives


def test_sub_folders_are_mirrored_below_the_output(translate, photos):
    code, _, error, results = translate(photos)
    assert (code, results) == (0, RESULTS)
    assert "photos: 3 images" in error


def test_samples_that_come_with_the_library_need_no_file(translate, photos):
    code, _, error, results = translate("samples:flat_to_3d", photos / "a.png")
    assert (code, len(results)) == (0, 128 + 1)
    assert "samples:flat_to_3d: 128 test images" in error
    code, _, error, _ = translate("samples:flat_to_3")
    assert code == 2
    assert "did you mean samples:flat_to_3d?" in error


def test_files_and_folders_can_be_mixed(translate, photos, tmp_path):
    images.write(tmp_path / "me.jpg", np.full((8, 12, 3), 100, np.uint8))
    code, _, _, results = translate(photos, tmp_path / "me.jpg")
    assert (code, results.keys()) == (0, {*RESULTS, "me.png"})


def test_a_broken_image_is_named_at_the_end_and_the_others_are_written(translate, photos):
    (photos / "x" / "aa.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (photos / "empty.png").touch()
    code, _, error, results = translate(photos)
    assert (code, results) == (1, RESULTS)
    assert "error: 2 of 5 images were not translated:" in error
    assert f"the image file {photos}/empty.png is empty" in error
    assert f"the image file {photos}/x/aa.png is damaged" in error
    assert "Traceback" not in error


def test_a_broken_image_is_named_also_if_a_later_result_cannot_be_written(
    translate, photos, tmp_path
):
    (photos / "aa.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (tmp_path / "out").mkdir()
    # A file where a folder is needed.
    (tmp_path / "out" / "x").write_bytes((photos / "a.png").read_bytes())
    code, _, error, _ = translate(photos)
    assert code == 2
    assert f"the image file {photos}/aa.png is damaged" in error
    assert "Traceback" not in error


def test_a_second_call_goes_on_where_the_first_ended(translate, photos):
    images.write(photos.parent / "out" / "x" / "b.png", np.full((8, 12, 3), 7, np.uint8))
    code, out, error, results = translate(photos, "--skip-existing")
    assert (code, results) == (0, {**RESULTS, "x/b.png": 7})
    assert "1 of 3 images are translated already" in error
    assert "b.png ->" not in out
    code, out, error, results = translate(photos, "--skip-existing")
    assert (code, out) == (0, "")
    assert "3 of 3 images are translated already" in error


def test_without_skip_existing_nothing_is_written_if_one_result_exists(translate, photos):
    images.write(photos.parent / "out" / "x" / "b.png", np.full((8, 12, 3), 7, np.uint8))
    code, _, error, results = translate(photos)
    assert (code, results) == (2, {"x/b.png": 7})
    assert "b.png exists already; choose another --output, or pass over" in error
    assert "--skip-existing" in error


def test_only_the_missing_outputs_of_an_image_are_written(command, bundle, photos, tmp_path):
    output = tmp_path / "out"
    images.write(output / "a.png", np.full((8, 12, 3), 7, np.uint8))
    code, _, error = command(
        "translate", bundle, photos / "a.png", "--output", output, "--signature", "swap",
        "--exemplar", photos / "x" / "b.png", "--skip-existing",
    )  # fmt: skip
    assert code == 0, error
    assert images.read(output / "a.png").max() == 7
    assert (output / "a-exemplar.png").is_file()


def test_two_images_of_one_result_are_refused_before_anything_is_written(translate, photos):
    (photos / "x" / "b.jpg").write_bytes((photos / "x" / "b.png").read_bytes())
    code, _, error, results = translate(photos)
    assert (code, results) == (2, {})
    for name in ("b.jpg", "b.png"):
        assert f"{photos}/x/{name}" in error
    assert "would both be written as" in error


def test_a_file_of_the_name_of_one_in_a_folder_is_refused(translate, photos, tmp_path):
    images.write(tmp_path / "a.jpg", np.full((8, 12, 3), 100, np.uint8))
    code, _, error, results = translate(photos, tmp_path / "a.jpg")
    assert (code, results) == (2, {})
    assert f"{photos}/a.png and {tmp_path}/a.jpg would both be written as" in error


def test_results_below_the_translated_folder_are_not_translated_again(translate, photos, tmp_path):
    images.write(photos / "results" / "a.png", np.full((8, 12, 3), 7, np.uint8))
    (tmp_path / "out").symlink_to(photos / "results")
    code, _, error, results = translate(photos, "--skip-existing")
    assert code == 0
    assert "1 of these are below --output" in error
    assert results == {**RESULTS, "a.png": 7}


def test_dark_sixteen_bit_images_are_said_once_and_the_option_brightens_them(translate, photos):
    for index in range(2):
        deep = Image.fromarray(np.full((8, 12), 1000 + index, np.uint16))
        deep.save(photos / f"deep{index}.png")
    code, _, error, results = translate(photos)
    assert code == 0
    assert error.count("is 1,001 of 65,535, so they are dark") == 1
    assert "set --white-level" in error
    assert results["deep0.png"] == 251  # 1000 / 257 = 3.9
    again = photos.parent / "out"
    again.rename(photos.parent / "dark")
    code, _, error, results = translate(photos, "--white-level", 1002)
    assert (code, results["deep0.png"]) == (0, 1)  # 1000 / 1002 * 255 = 254.5
    assert "65,535" not in error


def test_tiles_lift_the_limit_of_pixels(translate, photos, monkeypatch):
    monkeypatch.setattr("tf_translate.image_decoding.MAX_PIXELS", 50)
    code, _, error, results = translate(photos / "a.png")
    assert (code, results) == (1, {})
    assert "translate --tiles, whose limit is 1,000 million" in error
    assert MAX_TILED_PIXELS == 1_000_000_000
    code, _, _, results = translate(photos / "a.png", "--tiles")
    assert (code, results) == (0, {"a.png": 245})


@pytest.mark.parametrize(
    ("source", "level"),
    [
        ({"config": {"data": {"white_level": 1002}}}, 1),
        ({"config": {"data": {"white_level": 10**9}}}, 251),
        ({"config": {"data": {"white_level": "1002"}}}, 251),
        ({"config": ["data"]}, 251),
    ],
)
def test_a_bundle_brightens_images_as_its_run_did(command, tmp_path, source, level):
    bundle = exporters.export({"a_to_b": negative()}, tmp_path / "bundle", source=source)
    Image.fromarray(np.full((8, 12), 1000, np.uint16)).save(tmp_path / "deep.png")
    code, _, error = command(
        "translate", bundle, tmp_path / "deep.png", "--output", tmp_path / "out"
    )
    assert code == 0, error
    assert images.read(tmp_path / "out" / "deep.png").max() == level
