"""Selection of checkpoints by attribute classifiers, judges and reconstruction."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from tests.cli.conftest import write_pairs
from tests.data.image_files import config, plain
from tf_translate.config.schema import Config
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.errors import ConfigError
from tf_translate.experiment import checkpoint_assessment
from tf_translate.experiment.train import train
from tf_translate.images import write

GLASSES = {"glasses": ["0", "1"]}


@pytest.fixture
def table(tmp_path):
    """Dark images without glasses, bright ones with."""
    lines, value = ["image,split,glasses"], 0
    for split, count in (("train", 16), ("validation", 4)):
        for i in range(count):
            value += 1
            glasses = i % 2
            plain(tmp_path / f"{value}.png", 40 + value + 150 * glasses)
            lines.append(f"{value}.png,{split},{glasses}")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def _score(table, edit):
    data = open_attribute_dataset(config(table, attributes=GLASSES))
    translator = SimpleNamespace(
        signatures=lambda: {
            "translate": SimpleNamespace(
                function=lambda image, attributes: {"image": edit(image, attributes)}
            )
        }
    )
    bright = SimpleNamespace(
        correct=lambda images, labels: ((images.mean((1, 2, 3)) > 0) == labels).astype(float)
    )
    at = np.arange(4)
    images, values = data.images("validation", at=at), data.values("validation")
    return checkpoint_assessment._swap_metrics(translator, images, values, data, [bright])


def _repaint(image, attributes):
    """The exact edit: 150 shades brighter with glasses than without."""
    shade = np.asarray(image).mean((1, 2, 3), keepdims=True)
    has = shade > 0
    return image + (attributes[:, :, None, None] - has) * 150 / 127.5


def test_a_perfect_attribute_edit_scores_one(table):
    metrics = _score(table, _repaint)
    assert metrics["swap_accuracy"] == 1.0
    assert metrics["reconstruction"] == pytest.approx(0.0, abs=1e-6)
    assert metrics["score"] == pytest.approx(1.0)


def test_returning_the_input_scores_zero(table):
    metrics = _score(table, lambda image, attributes: image)
    assert metrics["swap_accuracy"] == 0.0
    assert metrics["reconstruction"] == 0.0
    assert metrics["score"] == 0.0


def test_an_edit_that_ignores_the_image_scores_low(table):
    def forget(image, attributes):
        return np.ones_like(image) * (2.0 * attributes[:, :, None, None] - 1.0)

    metrics = _score(table, forget)
    assert metrics["swap_accuracy"] == 1.0
    assert metrics["score"] < 0.8  # 1 - error / error of the mean image is far from 1


def _config(path, **training):
    return Config(
        method="fader",
        model={"num_downsamples": 2, "base_filters": 2, "max_filters": 4},
        data={"path": str(path), "size": [16, 16], "flip": "none", "attributes": GLASSES},
        training={
            "steps": 4, "batch_size": 2, "log_every": 2, "checkpoint_every": 2,
            "checkpoint_selection": "best", **training,
        },
    )  # fmt: skip


@pytest.fixture
def short_classifiers(monkeypatch):
    short = checkpoint_assessment.LabelJudgeSettings(side=16, steps=5)
    monkeypatch.setattr(checkpoint_assessment, "_CLASSIFIER", short)


@pytest.mark.slow
@pytest.mark.usefixtures("short_classifiers")
def test_training_scores_each_checkpoint_and_saves_the_best(table, tmp_path):
    run = tmp_path / "run"
    assert train(_config(table), run, resume=False, console=Console(file=io.StringIO()))
    rows = [json.loads(line) for line in (run / "assessments.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]
    best = max(rows, key=lambda row: row["score"])["step"]
    model = (run / "model.keras").read_bytes()
    assert model == (run / "checkpoints" / f"best-{best:08d}.keras").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("short_classifiers")
def test_training_in_bfloat16_scores_its_checkpoints_in_float32(table, tmp_path):
    """Scoring restores the policy of training."""
    half = _config(table, precision="mixed_bfloat16")
    assert train(half, tmp_path / "half", resume=False, console=Console(file=io.StringIO()))


@pytest.fixture
def dark_and_bright(tmp_path):
    """Unpaired folders: bars on dark images in a and on bright images in b."""
    for split, count in (("train", 12), ("validation", 4)):
        for side, shade in (("a", 40), ("b", 180)):
            for i in range(count):
                folder = tmp_path / "data" / f"{split}{side.upper()}"
                folder.mkdir(parents=True, exist_ok=True)
                pixels = np.full((16, 16, 3), shade, np.uint8)
                pixels[i : i + 3, 15 - i :] += 50
                pixels[12:, i : i + 3] += 50
                write(folder / f"{i}.png", pixels)
    return tmp_path / "data"


def _unpaired(path, **training):
    return Config(
        method="cyclegan",
        model={
            "residual_blocks": 1,
            "base_filters": 2,
            "discriminator_layers": 1,
            "discriminator_filters": 2,
        },
        data={"path": str(path), "size": [16, 16], "flip": "none"},
        training={"checkpoint_selection": "best", **training},
        evaluation={"domain_steps": 60, "content_steps": 5},
    )


class _Shifted:
    """A translator that adds a shade in one direction and subtracts it in the other."""

    def __init__(self, shade):
        self.shade = shade
        self.directions = {"a_to_b": "a_to_b", "b_to_a": "b_to_a"}

    def examples(self, batch):
        return {"a_to_b": {"image": batch["a"]}, "b_to_a": {"image": batch["b"]}}

    def signatures(self):
        def of(sign):
            def function(image):
                return {"image": image + sign * self.shade / 127.5}

            return SimpleNamespace(function=function, outputs=[SimpleNamespace(name="image")])

        return {"a_to_b": of(1), "b_to_a": of(-1)}


@pytest.mark.slow
def test_judges_score_content_and_domain_of_both_directions(dark_and_bright, tmp_path):
    configured = _unpaired(dark_and_bright)
    data = open_domain_dataset(configured.data, paired=False)
    metrics = checkpoint_assessment._judge_metrics(
        configured, data, tmp_path / "judges", lambda line: None
    )
    perfect, identity = metrics(_Shifted(140)), metrics(_Shifted(0))
    for side in ("a_to_b", "b_to_a"):
        assert perfect[f"{side}/domain/accuracy"] == 1.0
        assert identity[f"{side}/domain/accuracy"] == 0.0
        assert identity[f"{side}/content/retrieval@1"] == 1.0
        assert identity[f"{side}/completeness"] == 0.0
    completeness = [perfect[f"{side}/completeness"] for side in ("a_to_b", "b_to_a")]
    assert perfect["score"] == pytest.approx(np.mean(completeness))
    assert perfect["score"] > identity["score"] == 0.0


@pytest.mark.slow
def test_unpaired_training_saves_the_best_checkpoint_by_its_judges(dark_and_bright, tmp_path):
    run = tmp_path / "run"
    short = {"steps": 4, "batch_size": 2, "log_every": 2, "checkpoint_every": 2}
    console = Console(file=io.StringIO())
    assert train(_unpaired(dark_and_bright, **short), run, resume=False, console=console)
    rows = [json.loads(line) for line in (run / "assessments.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]
    assert {"a_to_b/domain/accuracy", "b_to_a/completeness", "score"} <= set(rows[0])
    best = max(rows, key=lambda row: row["score"])["step"]
    checkpoint = (run / "checkpoints" / f"best-{best:08d}.keras").read_bytes()
    assert (run / "model.keras").read_bytes() == checkpoint


def test_one_set_of_images_is_scored_by_its_reconstruction(table):
    configured = Config(method="ian", data={"path": str(table), "size": [16, 16]})
    data = open_image_dataset(configured.data)
    metrics = checkpoint_assessment._reconstruction_metrics(configured, data)

    def of(function):
        return SimpleNamespace(
            signatures=lambda: {"reconstruct": SimpleNamespace(function=function)}
        )

    perfect = metrics(of(lambda image: {"image": image}))
    assert perfect == {"reconstruction": 0.0, "score": 1.0}
    mean = data.images("validation", at=range(4)).mean(0)
    constant = metrics(of(lambda image: {"image": np.broadcast_to(mean, image.shape)}))
    assert constant["score"] == pytest.approx(0.0, abs=1e-6)
    assert constant["reconstruction"] > 0.1


def test_selecting_the_best_checkpoint_needs_validation_images(tmp_path):
    data = write_pairs(tmp_path / "pairs")
    with pytest.raises(ConfigError, match=r"needs at least 4 validation images, but .* has \d"):
        train(_unpaired(data), tmp_path / "run", resume=False, console=Console(file=io.StringIO()))


def test_patience_needs_scored_checkpoints(table):
    with pytest.raises(ConfigError, match=r"checkpoint_selection = 'last'"):
        _config(table, checkpoint_selection="last", patience=2)
