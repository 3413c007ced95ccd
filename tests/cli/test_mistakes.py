"""Errors of a user: one sentence that names the argument, the rule and a suggestion.

Every case exits with code 2 and prints no traceback.
"""

import json
import shutil
import sys
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import settings
from tf_translate import images


def _train(mistake, tmp_path, *overrides, method="pix2pix"):
    options = settings("training.steps=2", *overrides)
    sentence = mistake("train", method, "--run", tmp_path / "run", *options)
    assert not (tmp_path / "run").exists()  # an error must not create the directory
    return sentence


# --- configuration ---------------------------------------------------------------------------


def test_an_unknown_method_suggests_the_nearest_one(mistake):
    assert "did you mean 'cyclegan_small'" in mistake("train", "cyclgan")
    assert "did you mean 'pix2pix'" in mistake("describe", "pix2pixx")


def test_a_missing_configuration_file_is_named(mistake):
    assert "there is no configuration file mine.toml" in mistake("train", "mine.toml")


def test_the_layouts_that_are_supported_are_listed_without_escapes(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, f"data.path={tmp_path}/elsewhere")
    assert "elsewhere; these layouts are supported: trainA/ trainB/" in sentence
    assert "\\n" not in sentence


def test_a_configuration_file_that_is_not_toml_is_rejected(mistake, tmp_path):
    (tmp_path / "m.toml").write_text("method = ")
    assert "is not valid TOML" in mistake("train", tmp_path / "m.toml")


def test_a_typo_in_a_key_suggests_the_nearest_key(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "training.stepps=3")
    assert "there is no setting 'training.stepps'; did you mean 'training.steps'?" in sentence


def test_a_typo_in_a_key_of_the_method_suggests_the_nearest_key(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "model.num_downsmples=3")
    assert (
        "there is no setting 'model.num_downsmples'; did you mean 'model.num_downsamples'?"
        in sentence
    )


def test_a_typo_in_a_loss_term_suggests_the_nearest_term(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "loss_weights.adversarail=3")
    assert "there is no term 'adversarail'" in sentence
    assert "did you mean 'adversarial'?" in sentence


def test_a_negative_loss_weight_is_rejected(mistake, tmp_path):
    assert "must be 0 or more, got -1" in _train(mistake, tmp_path, "loss_weights.l1=-1")


def test_a_value_of_the_wrong_type_is_rejected(mistake, tmp_path):
    assert "training.seed = 'x' is not allowed" in _train(mistake, tmp_path, "training.seed=x")


def test_a_value_out_of_range_is_rejected(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "training.batch_size=0")
    assert "training.batch_size = 0 is not allowed" in sentence


def test_a_setting_without_a_value_is_rejected(mistake):
    assert "--set takes key=value" in mistake("train", "pix2pix", "--set", "training.steps")


def test_a_run_without_any_loss_term_is_rejected(mistake, tmp_path, pairs):
    off = [f"loss_weights.{name}=0" for name in ("l1", "adversarial", "discriminator")]
    sentence = _train(mistake, tmp_path, f"data.path={pairs}", *off)
    assert "every term has weight 0: there is nothing to train" in sentence


def test_steps_that_are_not_a_multiple_of_steps_per_execution_are_rejected(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "training.steps_per_execution=4")
    assert "steps must divide by steps_per_execution, got 2 and 4" in sentence


def test_a_configuration_file_that_is_not_utf8_is_rejected(mistake, tmp_path):
    (tmp_path / "m.toml").write_bytes(b'method = "pix2pix\xff"')
    assert "is not UTF-8 text" in mistake("train", tmp_path / "m.toml")


def test_devices_that_do_not_exist_are_rejected(mistake, tmp_path, pairs):
    sentence = _train(mistake, tmp_path, "training.devices=two")
    assert "training.devices = 'two' is not allowed: devices must be one, all, cpu:N" in sentence
    options = settings(f"data.path={pairs}", "training.steps=2")
    sentence = mistake(
        "train", "pix2pix", "--run", tmp_path / "r", *options, "--devices", "gpu:999"
    )
    assert "must not name more GPUs than TensorFlow finds here" in sentence


def test_a_batch_size_that_the_devices_do_not_divide_is_rejected(mistake, tmp_path, pairs):
    # The tests have two logical devices.
    sentence = _train(
        mistake, tmp_path, f"data.path={pairs}", "training.devices=all", "training.batch_size=3"
    )
    assert "training.batch_size must be divisible by the 2 devices, got 3" in sentence


# --- data ------------------------------------------------------------------------------------


def test_a_missing_data_folder_is_named(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, f"data.path={tmp_path}/nowhere")
    assert f"{tmp_path}/nowhere" in sentence


def test_a_folder_of_unknown_layout_lists_the_known_layouts(mistake, tmp_path):
    (tmp_path / "flat").mkdir()
    images.write(tmp_path / "flat" / "x.png", np.zeros((8, 8, 3), np.uint8))
    sentence = _train(mistake, tmp_path, f"data.path={tmp_path}/flat")
    assert "trainA" in sentence
    assert "train/a" in sentence


def test_an_unknown_sample_set_suggests_the_nearest_one(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "data.path=samples:flat_to_3D_")
    assert "did you mean samples:flat_to_3d?" in sentence


def test_a_truncated_jpg_is_named(mistake, tmp_path, pairs):
    broken = pairs / "train" / "a" / "3.png"
    broken.unlink()
    image = Image.fromarray(np.zeros((16, 16, 3), np.uint8))
    image.save(broken.with_suffix(".jpg"))
    broken.with_suffix(".jpg").write_bytes(broken.with_suffix(".jpg").read_bytes()[:200])
    sentence = _train(mistake, tmp_path, f"data.path={pairs}")
    assert "3.jpg" in sentence
    assert "skip" in sentence


def test_an_empty_image_file_is_named(mistake, tmp_path, pairs):
    (pairs / "train" / "b" / "2.png").write_bytes(b"")
    sentence = _train(mistake, tmp_path, f"data.path={pairs}")
    assert "2.png" in sentence
    assert "empty" in sentence


def test_a_text_file_with_the_ending_png_is_named(mistake, tmp_path, pairs):
    (pairs / "test" / "b" / "2.png").write_text("hello")
    assert "2.png" in _train(mistake, tmp_path, f"data.path={pairs}")


def test_an_image_without_its_pair_is_named(mistake, tmp_path, pairs):
    (pairs / "train" / "b" / "5.png").unlink()
    sentence = _train(mistake, tmp_path, f"data.path={pairs}")
    assert "5" in sentence


def test_unpaired_data_is_rejected_by_a_paired_method(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "data.path=samples:3d_to_noto")
    assert "pairs are needed" in sentence


def test_a_side_by_side_image_of_odd_width_is_named(mistake, tmp_path):
    for split in ("train", "test"):
        images.write(tmp_path / "odd" / split / "1.png", np.zeros((16, 33, 3), np.uint8))
    assert "1.png" in _train(mistake, tmp_path, f"data.path={tmp_path}/odd")


def test_an_image_size_that_the_network_cannot_halve_is_rejected(mistake, tmp_path, pairs):
    sentence = _train(mistake, tmp_path, f"data.path={pairs}", "data.size=[18, 16]")
    assert "divisible by 4" in sentence
    assert "(18, 16, 3)" in sentence


def test_a_crop_larger_than_the_image_is_rejected(mistake, tmp_path):
    sentence = _train(mistake, tmp_path, "data.load_size=[8, 8]")
    assert "load_size must be at least size [16, 16]" in sentence


def test_an_impossible_channel_count_is_rejected(mistake, tmp_path):
    assert "data.channels_a = 2 is not allowed" in _train(mistake, tmp_path, "data.channels_a=2")


def test_an_input_skip_between_other_channel_counts_is_rejected(mistake, tmp_path, pairs):
    sentence = _train(mistake, tmp_path, f"data.path={pairs}", "data.channels_a=1")
    assert "`input_skip` needs as many output channels as input channels" in sentence


# --- runs ------------------------------------------------------------------------------------


def test_a_directory_that_holds_a_run_is_not_overwritten(mistake, trained):
    sentence = mistake("train", "pix2pix", "--run", trained)
    assert "already holds a run; continue it with --resume or choose another --run" in sentence
    assert "--run NEW --set training.init_from=" in sentence


def test_a_directory_with_other_files_is_not_overwritten(mistake, tmp_path):
    (tmp_path / "thesis.txt").write_text("keep me")
    sentence = mistake("train", "pix2pix", "--run", tmp_path)
    assert "already holds files that are not a run" in sentence
    assert (tmp_path / "thesis.txt").read_text() == "keep me"


def test_resuming_a_directory_that_is_not_a_run_is_rejected(mistake, tmp_path):
    assert "is not a run" in mistake("train", "pix2pix", "--run", tmp_path, "--resume")


def test_resuming_with_another_method_is_rejected(mistake, trained):
    sentence = mistake("train", "cyclegan", "--run", trained, "--resume")
    assert "is a run of pix2pix, not of cyclegan" in sentence


def test_changing_the_networks_when_resuming_is_rejected(mistake, trained):
    sentence = mistake(
        "train", "pix2pix", "--run", trained, "--resume", "--set", "model.base_filters=8"
    )
    assert "--resume continues with the run's settings" in sentence
    assert "--set training.init_from=" in sentence


def test_evaluating_a_directory_that_is_not_a_run_is_rejected(mistake, tmp_path):
    sentence = mistake("evaluate", tmp_path)
    assert "is not a run: it has no config.json" in sentence
    assert "--resume" not in sentence


def test_evaluating_a_run_without_a_model_suggests_training_it(mistake, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    assert "holds no model yet; train it first" in mistake("evaluate", tmp_path / "run")


def test_a_broken_model_file_is_named(mistake, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    (tmp_path / "run" / "model.keras").write_bytes(b"nothing")
    assert "model.keras cannot be read" in mistake("evaluate", tmp_path / "run")


# --- bundles ---------------------------------------------------------------------------------


def test_an_unknown_recipe_lists_the_known_recipes(mistake, trained, tmp_path):
    sentence = mistake("export", trained, "--bundle", tmp_path / "b", "--recipe", "float61")
    assert "float16" in sentence
    twice = ("--recipe", "float32", "--recipe", "float32")
    sentence = mistake("export", tmp_path / "no.keras", "--bundle", tmp_path / "b", *twice)
    assert "must name each recipe once" in sentence  # said before the run or file is read
    assert not (tmp_path / "b").exists()


def test_a_directory_that_holds_a_bundle_is_not_overwritten(mistake, trained, bundle):
    assert str(bundle) in mistake("export", trained, "--bundle", bundle)


def test_verifying_a_directory_that_is_not_a_bundle_is_rejected(mistake, tmp_path):
    assert str(tmp_path) in mistake("verify", tmp_path)


def test_a_bundle_of_a_newer_version_is_rejected(mistake, bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    (key,) = (name for name in manifest if "version" in name and isinstance(manifest[name], int))
    manifest[key] += 1
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(manifest))
    assert "newer" in mistake("verify", tmp_path / "b")


@pytest.mark.slow  # tests/exporters/verification tampers with bundles in CI
def test_a_tampered_bundle_fails_verification_and_is_not_run(command, bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "b")
    file = tmp_path / "b" / "float32.tflite"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    code, out, _ = command("verify", tmp_path / "b")
    assert code == 1  # a failed check, not an error in the command
    assert "float32.tflite" in out
    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    code, _, sentence = command(
        "translate", tmp_path / "b", tmp_path / "x.png", "--output", tmp_path / "o"
    )
    assert code == 1
    assert "float32.tflite was changed after export" in sentence


# --- translating -----------------------------------------------------------------------------


def test_translating_with_neither_a_run_nor_a_bundle_is_rejected(mistake, tmp_path):
    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    sentence = mistake("translate", tmp_path, tmp_path / "x.png", "--output", tmp_path / "o")
    assert "is neither a bundle (no manifest.json) nor a run (no config.json)" in sentence


def test_translating_a_missing_image_is_rejected(mistake, bundle, tmp_path):
    sentence = mistake("translate", bundle, tmp_path / "no.png", "--output", tmp_path / "o")
    assert "there is no image or folder" in sentence


def test_translating_an_empty_folder_is_rejected(mistake, bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    sentence = mistake("translate", bundle, tmp_path / "empty", "--output", tmp_path / "o")
    assert "holds no images (.jpg" in sentence


def test_two_input_images_of_the_same_name_are_rejected(mistake, bundle, tmp_path):
    for folder in ("p", "q"):
        images.write(tmp_path / folder / "x.png", np.zeros((8, 8, 3), np.uint8))
    sentence = mistake(
        "translate", bundle, tmp_path / "p", tmp_path / "q", "--output", tmp_path / "o"
    )
    assert "x.png would both be written as" in sentence


def test_an_existing_output_image_is_not_overwritten(mistake, bundle, tmp_path):
    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    images.write(tmp_path / "o" / "x.png", np.zeros((8, 8, 3), np.uint8))
    sentence = mistake("translate", bundle, tmp_path / "x.png", "--output", tmp_path / "o")
    assert "exists already; choose another --output" in sentence


def test_an_output_folder_that_is_a_file_is_rejected(mistake, bundle, tmp_path):
    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "o").write_text("a file")
    sentence = mistake("translate", bundle, tmp_path / "x.png", "--output", tmp_path / "o")
    assert str(tmp_path / "o") in sentence


def test_an_unknown_signature_lists_the_known_signatures(mistake, bundle, trained, tmp_path):
    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    for model in (bundle, trained):
        sentence = mistake(
            "translate", model, tmp_path / "x.png", "--output", tmp_path / "o", "--signature", "z"
        )
        assert "a_to_b" in sentence


def test_another_package_named_exporters_is_reported_in_one_sentence(mistake, monkeypatch):
    other = ModuleType("exporters")  # has no `errors`, from which the command takes its own
    other.__file__ = "/home/me/exporters.py"
    monkeypatch.setitem(sys.modules, "exporters", other)
    monkeypatch.delitem(sys.modules, "exporters.errors", raising=False)
    sentence = mistake("methods")
    assert "from /home/me/exporters.py, but that of tf-translate is" in sentence
