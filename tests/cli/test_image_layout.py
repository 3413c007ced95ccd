"""A method of one image set on the command line, from training to painting."""

import json

import numpy as np
import pytest

from tf_translate import images
from tf_translate.images import read

SETTINGS = (
    "data.size=[16, 16]", "model.base_filters=4", "model.decoder_filters=4", "model.latent=5",
    "model.latent_width=8", "model.kernels=3", "model.edit_steps=2", "training.steps=2",
    "training.batch_size=4", "training.sample_every=2", "evaluation.domain_steps=2",
    "evaluation.content_steps=2",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 9)):
        for i in range(count):
            pixels = random.integers(0, 256, (16, 16, 3)).astype(np.uint8)
            images.write(tmp_path / "set" / split / f"{i}.png", pixels)
    return tmp_path / "set"


@pytest.mark.slow
def test_train_evaluate_export_verify_and_paint(command, folder, tmp_path):
    options = [part for setting in SETTINGS for part in ("--set", setting)]
    run, bundle = tmp_path / "run", tmp_path / "bundle"

    def succeed(*arguments):
        code, out, sentence = command(*arguments)
        assert code == 0, sentence
        return out

    succeed("train", "ian", "--run", run, "--set", f"data.path={folder}", *options)
    assert (run / "samples" / "step-00000002.png").is_file()
    metrics = json.loads(succeed("evaluate", run, "--json"))["directions"]["reconstruct"]
    assert list(metrics["results"]) == ["output", "identity", "random target", "ground truth"]
    output, truth = metrics["results"]["output"], metrics["results"]["ground truth"]
    assert set(output) == {
        "content/retrieval@1", "content/l1", "content/psnr", "content/ssim", "domain/accuracy",
        "domain/kid/judge@64",
    }  # fmt: skip
    assert truth["content/l1"] == 0
    assert output["content/l1"] > 0
    assert (
        "domain judge: accuracy on held-out images and their reconstructions"
        in (metrics["reference_values"])
    )
    page = (run / "evaluation" / "index.html").read_text()
    assert "difference between reconstructions and their images" in page
    succeed("export", run, "--bundle", bundle, "--recipe", "float32")
    succeed("verify", bundle)
    image = folder / "test" / "0.png"
    mask = np.zeros((16, 16, 1), np.uint8)
    mask[4:8, 4:8] = 255
    images.write(tmp_path / "mask.png", mask)
    painting = ("--target", folder / "test" / "1.png", "--mask", tmp_path / "mask.png")
    for model in (run, bundle):
        output = tmp_path / f"out-{model.name}"
        succeed("translate", model, image, "--output", output, *painting)
        succeed("translate", model, image, "--output", output / "whole")
    both = [read(tmp_path / f"out-{name}" / "0.png").astype(int) for name in ("run", "bundle")]
    assert np.abs(both[0] - both[1]).max() <= 1
