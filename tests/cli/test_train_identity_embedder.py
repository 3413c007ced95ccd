"""`tf-translate train-identity-embedder`: a tiny network, and the mistakes of a user."""

import keras
import numpy as np
import pytest

TINY = ("--people", "32", "--steps", "2", "--image-size", "16", "--base-filters", "2")


@pytest.mark.slow
def test_the_command_writes_a_network_with_embeddings_of_norm_1(command, tmp_path):
    pytest.importorskip("dicebear")
    file = tmp_path / "new" / "embedder.keras"
    code, out, error = command("train-identity-embedder", file, *TINY, "--seed", "3")
    assert code == 0, error
    assert "step 2/2" in out
    assert "images (16, 16, 3) in [-1, 1] to 128 values" in out
    network = keras.saving.load_model(file, compile=False)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(np.linalg.norm(network(images), axis=-1), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--people", "31"), "people must be at least 32, got 31"),
        (("--steps", "0"), "steps must be at least 1, got 0"),
        (("--seed", "-1"), "seed must be at least 0, got -1"),
        (("--base-filters", "0"), "base_filters must be at least 1, got 0"),
        (("--image-size", "20"), "image_size must be a power of two of 8 or more, got 20"),
    ],
)
def test_an_impossible_option_is_named_with_its_rule(mistake, tmp_path, options, sentence):
    file = tmp_path / "embedder.keras"
    assert sentence in mistake("train-identity-embedder", file, *options)
    assert not file.exists()


def test_another_file_ending_is_rejected(mistake, tmp_path):
    sentence = mistake("train-identity-embedder", tmp_path / "embedder.h5", *TINY)
    assert "the file must end in .keras, got" in sentence


def test_an_existing_file_is_not_overwritten(mistake, tmp_path):
    file = tmp_path / "embedder.keras"
    file.write_text("keep")
    sentence = mistake("train-identity-embedder", file, *TINY)
    assert f"the file must not exist, got {file}; choose another name or delete it" in sentence
    assert file.read_text() == "keep"
