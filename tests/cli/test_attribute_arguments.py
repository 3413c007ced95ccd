"""Attributes on the command line, from a table to an edited image through TFLite."""

import json

import numpy as np
import pytest

from tests.cli.conftest import run_in_this_process
from tf_translate import images

TINY = (
    "data.size=[16, 16]",
    "model.num_downsamples=2",
    "model.base_filters=4",
    "model.max_filters=8",
    "training.batch_size=2",
    "training.steps=4",
    "training.log_every=2",
    "training.checkpoint_every=4",
    "evaluation.domain_steps=2",
    "evaluation.content_steps=2",
    'data.attributes={glasses = ["0", "1"], hair = ["black", "blond", "grey"]}',
)


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """Six people in all ways: brightness says the hair, a bar the glasses."""
    folder = tmp_path_factory.mktemp("faces")
    lines = ["image,split,person,glasses,hair"]
    for person in range(12):
        for glasses in (0, 1):
            for shade, hair in enumerate(("black", "blond", "grey")):
                pixels = np.full((16, 16, 3), 60 + 60 * shade, np.uint8)
                pixels[:4, :4] = 20 * person
                pixels[8:10] = 0 if glasses else pixels[8:10]
                name = f"{person}{glasses}{hair}.png"
                images.write(folder / name, pixels)
                split = "test" if person > 7 else "train"
                lines.append(f"{name},{split},{person},{glasses},{hair}")
    path = folder / "faces.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def options(table, *more):
    chosen = (*TINY, f"data.path={table}", *more)
    return [part for setting in chosen for part in ("--set", setting)]


@pytest.fixture(scope="session")
def fader(table, tmp_path_factory):
    """A run of four steps; do not change it."""
    run = tmp_path_factory.mktemp("fader") / "run"
    run_in_this_process("train", "fader", "--run", run, *options(table))
    return run


@pytest.mark.slow
def test_a_run_shows_every_attribute_switched(fader):
    grid = images.read(fader / "samples" / "step-00000004.png")
    scale = max(1, 96 // 16)
    assert grid.shape[1] >= 6 * 16 * scale  # input, as it is, other glasses, three hairs


@pytest.mark.slow
def test_evaluate_measures_every_edit_beside_the_exact_truth(command, fader):
    code, out, _ = command("evaluate", fader, "--json")
    assert code == 0
    directions = json.loads(out)["directions"]
    assert list(directions) == [
        "remove_glasses", "add_glasses", "hair_to_black", "hair_to_blond", "hair_to_grey",
    ]  # fmt: skip
    results = directions["add_glasses"]["results"]
    assert set(results) == {"output", "identity", "random target", "ground truth"}
    assert results["identity"]["content/l1_outside_edit"] == 0.0
    truth, output = (
        results[name]["content/l1_outside_edit"] for name in ("ground truth", "output")
    )
    assert truth < 0.02 < output
    assert (fader / "evaluation" / "add_glasses.png").is_file()


@pytest.mark.slow
def test_a_bundle_edits_images_by_the_names_of_the_table(command, fader, table, tmp_path):
    bundle = tmp_path / "bundle"
    assert command("export", fader, "--bundle", bundle, "--recipe", "float32")[0] == 0
    assert command("verify", bundle)[0] == 0
    image = table.parent / "80black.png"
    written = {}
    for model in (bundle, fader):
        for glasses in (0, 3):
            folder = tmp_path / f"{model.name}{glasses}"
            chosen = ("--attribute", f"glasses={glasses}", "--attribute", "hair=blond")
            code, _, sentence = command("translate", model, image, "--output", folder, *chosen)
            assert code == 0, sentence
            written[model.name, glasses] = images.read(folder / "80black.png").astype(int)
    apart = np.abs(written["bundle", 0] - written["run", 0]).max()
    assert apart <= 1
    assert np.abs(written["bundle", 0] - written["bundle", 3]).max() > 0


@pytest.mark.slow
def test_mistakes_with_attributes_of_a_run_are_one_sentence(mistake, fader, table, tmp_path):
    image = table.parent / "80black.png"
    sentence = mistake("translate", fader, image, "--output", tmp_path, "--attribute", "glases=1")
    assert "glasses" in sentence
    sentence = mistake("translate", fader, image, "--output", tmp_path, "--attribute", "glasses=1")
    assert "hair" in sentence


def test_mistakes_with_attributes_of_training_are_one_sentence(mistake, table, tmp_path):
    run = tmp_path / "run"
    sentence = mistake("train", "fader", "--run", run, *options(table, "data.attributes={}"))
    assert "data.attributes must name the attributes" in sentence
    sentence = mistake(
        "train", "fader", "--run", run, *options(table, "data.attributes.glasses=[1]")
    )
    assert "at least two different values" in sentence
    sentence = mistake("train", "fader", "--run", run, *options(table, "data.size=[24, 24]"))
    assert "a latent must be square" in sentence
    assert not run.exists()
