import json
import shutil

import keras
import numpy as np
import pytest

from scripts.results.method_pages import networks_table, page_path
from tf_translate import images
from tf_translate.images import read


def test_methods_prints_json(command):
    code, out, _ = command("methods", "--json")
    rows = {row["name"]: row for row in json.loads(out)["methods"]}
    assert code == 0
    assert rows["cyclegan"]["layout"] == "unpaired"
    assert rows["cyclegan"]["signatures"] == ["a_to_b", "b_to_a"]
    assert rows["pix2pix"]["players"] == ["discriminator", "generator"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("method", "millions"),
    [
        ("cyclegan", {"generator_ab": 11.378, "discriminator_b": 2.765}),
        ("dualgan", {"generator_ab": 30.627, "discriminator_b": 3.921}),
        ("discogan", {"generator_ab": 5.514, "discriminator_b": 2.766}),
        ("dtn", {"feature_extractor": 0.896, "decoder": 2.526, "discriminator": 1.502}),
        (
            "icgan",
            {"generator": 3.725, "discriminator": 2.803, "encoder_z": 18.278, "encoder_y": 3.187},
        ),
        ("age_cgan", {"generator": 3.627, "discriminator": 2.779, "encoder": 18.278}),
        ("fader", {"encoder": 6.986, "decoder": 7.015, "latent_discriminator": 8.655}),
        (
            "ian",
            {
                "trunk": 17.217,
                "encoder_head": 16.586,
                "discriminator_head": 2.565,
                "decoder": 18.886,
            },
        ),
        ("genegan", {"splitter": 2.629, "joiner": 6.305, "discriminator_a": 6.833}),
        ("pix2pix", {"generator": 54.414, "discriminator": 2.769}),
    ],
)
@pytest.mark.usefixtures("zero_weights")
def test_describe_gives_the_published_parameter_counts(command, method, millions):
    _, out, _ = command("describe", method, "--json")
    described = json.loads(out)
    for name, expected in millions.items():
        parameters = described["networks"][name]["parameters"]
        assert parameters / 1e6 == pytest.approx(expected, abs=0.0005)
    page = page_path(method).read_text("utf-8")
    assert networks_table(described) in page, "run: python -m scripts.results.method_pages"


@pytest.mark.thorough
def test_describe_shows_departures_and_every_loss_term_with_its_source(command):
    _, out, _ = command("describe", "cyclegan")
    for word in ("content/cycle_a", "domain/adversarial", "eq. 2", "11.378 M"):
        assert word in out
    assert " - Discriminators pad by 1 as in the PyTorch code (the Lua code: by 2)." in out
    assert out.count("Discriminators pad by 1") == 1


@pytest.mark.thorough
def test_a_run_holds_the_files_that_the_readme_lists(trained):
    assert (trained / "model.keras").is_file()
    assert json.loads((trained / "config.json").read_text())["method"] == "pix2pix"
    rows = [json.loads(line) for line in (trained / "history.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    assert (trained / "samples" / "step-00000008.png").is_file()
    (events,) = (trained / "logs").iterdir()
    assert events.stat().st_size > 0


@pytest.mark.slow
def test_verify_prints_one_json_object(command, bundle):
    code, out, _ = command("verify", bundle, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["passed"] is True
    artifacts = {output["artifact"] for output in result["outputs"]}
    assert artifacts == {"saved_model", "float32", "float16", "dynamic_int8"}


def test_a_bundle_and_its_run_translate_images_of_any_size_alike(
    command, bundle, trained, tmp_path
):
    random = np.random.default_rng(0)
    images.write(tmp_path / "in" / "wide.png", random.integers(0, 256, (20, 50, 3), np.uint8))
    images.write(tmp_path / "in" / "grey.png", random.integers(0, 256, (33, 9, 1), np.uint8))
    for model, output in ((bundle, "o1"), (trained, "o2")):
        code, _, _ = command("translate", model, tmp_path / "in", "--output", tmp_path / output)
        assert code == 0
    for name, size in (("wide.png", (20, 50, 3)), ("grey.png", (33, 9, 3))):
        first, second = read(tmp_path / "o1" / name), read(tmp_path / "o2" / name)
        assert first.shape == size
        assert np.abs(first.astype(int) - second).max() <= 2


@pytest.mark.thorough
def test_benchmark_prints_json(command, bundle):
    code, out, _ = command("benchmark", bundle, "--json", "--runs", "2", "--threads", "1")
    timings = json.loads(out)["timings"]
    assert code == 0
    assert {timing["recipe"] for timing in timings} == {"float32", "float16", "dynamic_int8"}
    assert all(timing["median_ms"] > 0 for timing in timings)


@pytest.mark.slow
def test_benchmark_with_card_updates_the_card_and_the_bundle_still_verifies(
    command, mistake, bundle, tmp_path
):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    options = ("--runs", "2", "--threads", "1", "--json")
    _, out, _ = command("benchmark", copy, *options)
    assert json.loads(out)["card"] is None
    assert (copy / "card.md").read_bytes() == (bundle / "card.md").read_bytes()
    code, out, error = command("benchmark", copy, *options, "--card")
    assert code == 0, error
    content, text = json.loads(out), (copy / "card.md").read_text("utf-8")
    assert content["card"] == str(copy / "card.md")
    for timing in content["timings"]:
        if timing["signature"].endswith("_uint8"):
            size = f"{(copy / timing['recipe']).with_suffix('.tflite').stat().st_size:,}"
            times = f"{round(timing['median_ms'], 4):.2f} ({round(timing['p90_ms'], 4):.2f})"
            start = f"| `{timing['recipe']}.tflite` | {size} | `{timing['signature']}` | "
            assert f"{start}{times} |" in text
    code, out, error = command("verify", copy, "--json")
    assert code == 0, error
    (copy / "card.md").write_text("mine")
    assert "card.md has 4 bytes where the manifest says" in mistake("benchmark", copy, "--card")
    onnx = tmp_path / "other.onnx"
    assert "leave one of them out" in mistake("benchmark", copy, "--card", "--compare", onnx)
    both = mistake("benchmark", copy, "--litert-benchmark", "--compare", onnx)
    assert "--compare times them against another network; leave one of them out" in both
    alone = mistake("benchmark", copy, "--signature", "a_to_b")
    assert "--signature chooses what --compare times" in alone


@pytest.mark.thorough
def test_evaluate_prints_metrics_as_json_and_writes_a_page(command, trained):
    code, out, _ = command("evaluate", trained, "--json")
    assert code == 0
    direction = json.loads(out)["directions"]["a_to_b"]
    results = direction["results"]
    assert {"identity", "random target", "ground truth"} < set(results)
    # The target is the negative of the input. The ground truth has an error of 0.
    assert results["ground truth"]["content/l1"] == 0.0
    assert (trained / "evaluation" / "index.html").is_file()


@pytest.mark.thorough
def test_evaluate_adds_metrics_of_a_pretrained_network(command, trained, tmp_path):
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    network.save(tmp_path / "mine.keras")
    code, out, _ = command("evaluate", trained, "--json", "--pretrained", tmp_path / "mine.keras")
    assert code == 0
    results = json.loads(out)["directions"]["a_to_b"]["results"]
    assert results["identity"]["content/identity/mine@16"] == pytest.approx(1.0)
    assert "domain/kid/mine@16" in results["output"]


def test_pretrained_writes_a_network_for_images_of_one_size(command, tmp_path):
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    network.save(tmp_path / "mine.keras")
    output = tmp_path / "new" / "mine16.keras"
    code, out, _ = command(
        "pretrained", tmp_path / "mine.keras", "--size", "16", "--channels", "1", "--output", output
    )
    assert code == 0
    assert "images (16, 16, 1) in [-1, 1] to 192 features" in out
    written = keras.saving.load_model(output, compile=False)
    assert (written.input_shape, written.output_shape) == ((None, 16, 16, 1), (None, 192))
    code, _, error = command("pretrained", "efficientnet_lite1", "--output", output)
    assert code == 2
    assert "did you mean efficientnet_lite0" in error


def test_data_list_names_the_samples(command):
    _, out, _ = command("data", "list")
    for name in ("samples:flat_to_3d", "samples:line_to_3d", "samples:3d_to_noto"):
        assert name in out


def test_the_help_lists_the_commands_and_shows_examples(command):
    _, out, _ = command("--help")
    for word in ("train", "evaluate", "export", "verify", "translate", "benchmark", "launch"):
        assert word in out
    _, out, _ = command("train", "--help")
    assert "--resume" in out
    assert "tf-translate train pix2pix" in out
