"""A method outside the package, CUT, through the command line: train, describe, refuse."""

import json
from pathlib import Path

import pytest

CUT = Path(__file__).parents[2] / "scripts" / "examples" / "cut.py"
TINY = (
    "data.size=[16, 16]",
    "model.residual_blocks=5",
    "model.base_filters=4",
    "model.discriminator_filters=4",
    "model.discriminator_layers=1",
    "model.patches=8",
    "model.projection=8",
    "training.steps=20",
    "training.log_every=10",
    "training.checkpoint_every=20",
    "training.sample_every=20",
)


@pytest.mark.slow
def test_cut_trains_20_steps_and_exports_by_its_preset(command, tmp_path):
    options = [part for setting in TINY for part in ("--set", setting)]
    run = tmp_path / "run"
    code, _, err = command("--import", CUT, "train", "cut", "--run", run, *options)
    assert code == 0, err
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 20
    assert {"content/nce", "content/identity_nce", "domain/adversarial"} <= set(rows[-1])
    bundle = tmp_path / "bundle"
    code, _, err = command("--import", CUT, "export", run, "--bundle", bundle)
    assert code == 0, err
    code, out, err = command("verify", bundle, "--json")
    assert code == 0, err
    assert json.loads(out)["passed"]


def test_an_imported_method_is_described_like_the_others(command):
    code, out, err = command("--import", CUT, "describe", "cut", "--json")
    assert code == 0, err
    described = json.loads(out)
    assert (described["title"], described["layout"]) == ("CUT", "unpaired")
    (departure,) = described["departures"]
    assert departure.endswith("no antialiased sampling.")
    assert "Departs" not in described["description"]
    # 9 blocks of 256 filters as CycleGAN's: 11.378 M, and the PatchGAN's 2.765 M.
    assert described["networks"]["generator"]["parameters"] == 11_378_179
    assert described["networks"]["discriminator"]["parameters"] == 2_764_737


def test_an_unknown_method_mentions_import(command):
    code, _, err = command("describe", "stargan")
    assert code == 2
    assert "there is no method 'stargan'" in err
    assert "tf-translate --import FILE.py" in err


def test_a_missing_file_to_import_is_a_users_mistake(command, tmp_path):
    code, _, err = command("--import", tmp_path / "none.py", "methods")
    assert code == 2
    assert "--import takes a Python file, and there is none at" in err
