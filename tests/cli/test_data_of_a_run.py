"""A run knows its images: other ones are refused or recorded, and export does without them."""

import json
import shutil

import numpy as np
import pytest

from tests.cli.conftest import settings
from tf_translate import images
from tf_translate.training.run_dir import RunDir
from tf_translate.training.run_lock import single_writer

TEST_PAIR_ADDED = "train: same; validation: same; test: 1 image of a added, 1 of b added"


@pytest.fixture
def moved(trained, tmp_path):
    """A copy of the run and, in another place than its settings name, a copy of its images."""
    shutil.copytree(trained, tmp_path / "run")
    shutil.copytree(trained.parent / "pairs", tmp_path / "moved")
    return tmp_path / "run", tmp_path / "moved"


def _add_pair(folder):
    for side in "ab":
        images.write(folder / "test" / side / "new.png", np.zeros((16, 16, 3), np.uint8))


def _hide_data(run):
    """Makes the run's settings name a folder that does not exist, as if it were deleted."""
    config = json.loads((run / "config.json").read_text())
    config["data"]["path"] = str(run.parent / "deleted")
    (run / "config.json").write_text(json.dumps(config))


def test_a_run_lists_its_images_by_split_and_domain(trained):
    splits = json.loads((trained / "data.json").read_text())["splits"]
    counts = {name: [side["images"] for side in split.values()] for name, split in splits.items()}
    assert counts["test"] == [8, 8]
    assert np.sum([counts["train"], counts["validation"]], axis=0).tolist() == [8, 8]


def test_resume_refuses_other_images_and_says_what_changed(mistake, moved):
    run, folder = moved
    _add_pair(folder)
    before = (run / "history.jsonl").read_bytes()
    sentence = mistake("train", "pix2pix", "--run", run, "--resume", "--set", f"data.path={folder}")
    assert f"the images of {folder} are not those that {run} was trained on" in sentence
    assert f"({TEST_PAIR_ADDED})" in sentence
    assert "or take these images with --accept-data-changes" in sentence
    assert (run / "history.jsonl").read_bytes() == before


@pytest.mark.thorough
def test_a_moved_data_set_is_taken_by_its_new_path(command, moved):
    run, folder = moved
    code, out, error = command(
        "train", "pix2pix", "--run", run, "--resume", "--set", f"data.path={folder}"
    )
    assert code == 0, error
    assert f"{folder} has the same images as " in out
    assert json.loads((run / "config.json").read_text())["data"]["path"] == str(folder)
    assert json.loads((run / "data.json").read_text())["accepted_changes"] == []


@pytest.mark.thorough
def test_accepted_changes_are_recorded_and_the_kept_images_are_replaced(command, mistake, moved):
    run, folder = moved
    _add_pair(folder)
    before = (run / "kept_images.npz").read_bytes()
    change = ("--set", f"data.path={folder}", "--accept-data-changes")
    code, out, error = command("train", "pix2pix", "--run", run, "--resume", *change)
    assert code == 0, error
    assert f"the images of {folder} have changed: {TEST_PAIR_ADDED}" in out
    record = json.loads((run / "data.json").read_text())
    assert record["accepted_changes"] == [{"step": 8, "changes": TEST_PAIR_ADDED}]
    assert record["splits"]["test"]["a"]["images"] == 9
    assert (run / "kept_images.npz").read_bytes() != before
    (folder / "test" / "a" / "new.png").unlink()
    (folder / "test" / "b" / "new.png").unlink()
    assert "test: 1 image of a removed, 1 of b removed" in mistake(
        "train", "pix2pix", "--run", run, "--resume"
    )


@pytest.mark.thorough
def test_evaluate_refuses_other_images_or_reports_them(command, mistake, moved):
    run, folder = moved
    _add_pair(folder)
    data = ("--set", f"data.path={folder}")
    assert f"({TEST_PAIR_ADDED})" in mistake("evaluate", run, *data)
    code, out, error = command("evaluate", run, *data, "--accept-data-changes")
    assert code == 0, error
    assert f"these are not the images that the run was trained on: {TEST_PAIR_ADDED}" in out
    report = json.loads((run / "evaluation" / "test16.json").read_text())
    assert report["metadata"]["images changed since training"] == TEST_PAIR_ADDED
    assert report["metadata"]["data"].startswith(str(folder))
    # The run still knows the images that it was trained on.
    assert json.loads((run / "data.json").read_text())["splits"]["test"]["a"]["images"] == 8


def test_evaluate_takes_no_other_setting_than_the_place_of_the_data(mistake, trained):
    sentence = mistake("evaluate", trained, "--set", "data.size=[8, 8]")
    assert "data.size cannot change from (16, 16) to (8, 8)" in sentence
    assert "takes only data.path" in sentence


def test_a_data_set_that_is_gone_is_named_with_the_way_to_name_another(mistake, moved):
    run, _ = moved
    _hide_data(run)
    for command in (("evaluate", run), ("train", "pix2pix", "--run", run, "--resume")):
        sentence = mistake(*command)
        assert f"{run.parent / 'deleted'}, the data set of {run}, does not exist" in sentence
        assert "if it was moved, name its new place with --set data.path=FOLDER" in sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "has no data.json, which lists its images"),
        (b"", "data.json is broken: Expecting value"),
        (b"12", "data.json is broken: it must hold a JSON object, got int"),
        (b'{"splits": 3}', "data.json is broken (AttributeError"),
        (b'{"splits": {"train": {"a": {"images": 2, "ids": "", "digest": ""}}}}', "hashes of 2"),
    ],
)
def test_a_record_that_is_missing_or_broken_is_one_sentence(mistake, moved, content, reason):
    run, _ = moved
    (run / "data.json").unlink()
    if content is not None:
        (run / "data.json").write_bytes(content)
    sentence = mistake("train", "pix2pix", "--run", run, "--resume")
    assert reason in sentence
    assert "write it again from the images as they are with --resume --accept-data-changes" in (
        sentence
    )


def test_accept_data_changes_needs_a_run_to_resume(mistake):
    sentence = mistake("train", "pix2pix", "--accept-data-changes")
    assert "--accept-data-changes goes with --resume" in sentence


# --- export without the data set -------------------------------------------------------------


@pytest.mark.slow
def test_a_finished_run_is_exported_by_every_kind_of_recipe_without_its_images(command, moved):
    run, folder = moved
    shutil.rmtree(folder)
    _hide_data(run)
    target = run.parent / "bundle"
    recipes = ("--recipe", "float32", "--recipe", "int8")
    code, _, error = command("export", run, "--bundle", target, *recipes)
    assert code == 0, error
    manifest = json.loads((target / "manifest.json").read_text())
    record = json.loads((run / "data.json").read_text())
    assert manifest["source"]["data_fingerprint"] == record["fingerprint"]
    assert manifest["source"]["golden_split"] == "test"


def test_the_kept_images_are_those_of_the_data_set(trained):
    from tf_translate.experiment.dataset import preview
    from tf_translate.experiment.load_run import golden_images, load_run, load_run_to_export

    exported, data = load_run_to_export(trained), load_run(trained).data
    golden = golden_images(exported, 4)
    expected = preview(data, "test", 4)
    np.testing.assert_array_equal(golden["a_to_b"]["image"], expected["a"])
    kept = exported.kept.calibration
    a, b = data.arrays("train")
    for values, of in ((kept["a"], a), (kept["b"], b)):
        assert len(values) == len(of)  # fewer than 64: all of them, in the order of choice
        np.testing.assert_array_equal(
            *(np.unique(each.reshape(len(of), -1), axis=0) for each in (values, of))
        )


def test_a_run_that_has_not_ended_needs_its_images_for_export(mistake, moved):
    run, _ = moved
    (run / "kept_images.npz").unlink()
    _hide_data(run)
    sentence = mistake("export", run, "--bundle", run.parent / "bundle")
    assert f"{run} keeps no images for its export yet" in sentence
    assert f"continue the run first: tf-translate train pix2pix --run {run} --resume" in sentence


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x05\x06" + bytes(18)])
def test_broken_kept_images_are_one_sentence(mistake, moved, content):
    run, _ = moved
    (run / "kept_images.npz").write_bytes(content)
    sentence = mistake("export", run, "--bundle", run.parent / "bundle")
    assert f"{run / 'kept_images.npz'} is broken" in sentence
    assert "delete it, and continue the run with --resume" in sentence


# --- one writer ------------------------------------------------------------------------------


def test_a_run_that_is_being_trained_can_be_read_but_not_resumed(mistake, moved):
    from tf_translate.experiment.load_run import load_run, load_run_to_export

    run, _ = moved
    with single_writer(RunDir(run), pytest.fail):
        sentence = mistake("train", "pix2pix", "--run", run, "--resume")
        assert f"{run} is being trained by process " in sentence
        load_run(run)
        load_run_to_export(run)


@pytest.mark.thorough
def test_two_new_runs_cannot_start_in_one_folder(mistake, pairs, tmp_path):
    run, options = tmp_path / "run", settings(f"data.path={pairs}", "training.steps=2")
    with single_writer(RunDir(run), pytest.fail):
        sentence = mistake("train", "pix2pix", "--run", run, *options)
    assert f"{run} is being trained by process " in sentence
    assert [path.name for path in run.iterdir()] == ["lock"]
