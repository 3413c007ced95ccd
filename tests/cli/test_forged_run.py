"""A run whose `model.keras` is forged: every command that loads it ends in one sentence."""

import json
import shutil
import zipfile

import numpy as np
import pytest

from tf_translate import images


def _deep(members):
    members["config.json"] = b'{"a":' * 10_000 + b"1" + b"}" * 10_000


def _code(members):
    config = json.loads(members["config.json"])
    config["config"]["more"] = {"class_name": "__lambda__", "config": {"value": "eA=="}}
    members["config.json"] = json.dumps(config).encode()


def _unknown(members):
    content = members["config.json"].replace(b'"class_name": "Pix2Pix"', b'"class_name": "Popen"')
    members["config.json"] = content.replace(b"tf_translate>Pix2Pix", b"os>Popen")


def _huge(members):
    content = members["config.json"].replace(b'"filters": 4,', b'"filters": 16777216,')
    assert content != members["config.json"]
    members["config.json"] = content


def _wrong_type(members):
    config = json.loads(members["config.json"])
    config["config"] = dict.fromkeys(config["config"], 1.5)
    members["config.json"] = json.dumps(config).encode()


def _without_weights(members):
    del members["model.weights.h5"]


FORGERIES = {
    _deep: "nests more than 100 levels",
    _code: "whose code is in the file and is never run",
    _unknown: "neither Keras's nor registered here",
    _huge: "weights take more than",
    _wrong_type: "cannot be read",
    _without_weights: "model.weights.h5 is missing",
}


@pytest.mark.thorough
@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_commands_on_a_run_with_a_forged_model_are_mistakes(mistake, trained, tmp_path, forge):
    run = shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(run / "checkpoints")  # otherwise the newest one is loaded
    with zipfile.ZipFile(trained / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    forge(members)
    with zipfile.ZipFile(run / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    images.write(tmp_path / "x.png", np.zeros((16, 16, 3), np.uint8))
    for arguments in (
        ("export", run, "--bundle", tmp_path / "bundle"),
        ("translate", run, tmp_path / "x.png", "--output", tmp_path / "out"),
        ("evaluate", run),
        ("export", run / "model.keras", "--bundle", tmp_path / "bundle"),
    ):
        sentence = mistake(*arguments)
        assert FORGERIES[forge] in sentence or "give the folder of the run" in sentence
        assert "model.keras" in sentence
    assert not (tmp_path / "bundle").exists()
