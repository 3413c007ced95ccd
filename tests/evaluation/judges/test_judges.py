import json

import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate.errors import DataError
from tf_translate.evaluation.judges import judges as judges_module
from tf_translate.evaluation.judges.judges import JudgeSettings, retrieval_hits, train_judges


def test_retrieval_by_hand_with_a_miss_and_a_tie():
    gallery = np.eye(3)
    queries = np.array([[1.0, 0, 0], [0, 0, 1.0], [0.0, 0.6, 0.6]])
    # Row 0 is a hit, row 1 is nearest to row 2, row 2 is a tie of rows 1 and 2.
    np.testing.assert_allclose(retrieval_hits(queries, gallery), [1.0, 0.0, 0.5])


def test_constant_features_score_at_chance():
    constant = np.ones((10, 4)) / 2
    assert retrieval_hits(constant, constant).mean() == pytest.approx(0.1)


@pytest.mark.thorough
def test_domain_judge_classifies_held_out_toy_images(judges):
    source, target = blobs(40, seed=3)
    assert judges.domain.accuracy(source, target) > 0.9
    assert judges.domain.predicts_target(target).mean() > 0.8
    assert judges.domain.predicts_target(source).mean() < 0.2


def test_content_judge_retrieves_the_same_shape_in_the_other_style(judges):
    source, target = blobs(40, seed=3)
    source_features = judges.content.features(source)
    np.testing.assert_allclose(np.linalg.norm(source_features, axis=1), 1.0, rtol=1e-5)
    assert retrieval_hits(judges.content.features(target), source_features).mean() > 0.8
    assert judges.content.restyled_retrieval(source) > 0.8
    others = np.roll(target, 1, axis=0)
    assert retrieval_hits(judges.content.features(others), source_features).mean() < 0.2


def test_content_judge_does_not_retrieve_a_source_hidden_in_faint_noise(judges):
    source, target = blobs(40, seed=3)
    hidden = 0.97 * np.roll(target, 1, axis=0) + 0.03 * source
    hits = retrieval_hits(judges.content.features(hidden), judges.content.features(source))
    assert hits.mean() < 0.2


def test_domain_features_have_equal_norms(judges):
    features = judges.domain.features(blobs(5, seed=4)[0])
    np.testing.assert_allclose(np.square(features).mean(1), 1.0, rtol=1e-5)


def test_saved_judges_are_loaded_and_shared_by_the_reverse_direction(
    judges, judges_folder, monkeypatch
):
    def never(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(judges_module, "fit", never)
    source, target = blobs(10, seed=5)
    reverse = train_judges(
        blobs(50, seed=2)[1], blobs(60, seed=1)[0], folder=judges_folder, settings=judges.settings
    )
    assert reverse.fingerprint == judges.fingerprint
    np.testing.assert_array_equal(
        reverse.domain.predicts_target(target), ~judges.domain.predicts_target(target)
    )
    np.testing.assert_allclose(
        reverse.content.features(source), judges.content.features(source), atol=1e-6
    )
    with pytest.raises(AssertionError, match="trained again"):  # other images need other judges
        train_judges(source, target, folder=judges_folder, settings=judges.settings)


def test_saved_judges_have_their_settings_and_no_temporary_files_remain(judges, judges_folder):
    metadata_files = sorted(judges_folder.glob("*.json"))
    assert len(metadata_files) == 2
    assert len(list(judges_folder.iterdir())) == 4
    for path in metadata_files:
        content = json.loads(path.read_text())
        assert content["settings"]["domain_steps"] == 40
        assert path.with_suffix(".keras").is_file()


@pytest.mark.slow
def test_training_twice_gives_the_same_judges_and_replaces_a_broken_file(tmp_path):
    short = JudgeSettings(side=16, batch=8, domain_steps=3, content_steps=3)
    source, target = blobs(6, seed=1, side=16)
    lines = []
    first = train_judges(source, target, folder=tmp_path, settings=short, report=lines.append)
    assert [line.split(",")[0] for line in lines] == [
        "training the domain judge",
        "training the content judge",
    ]
    for path in tmp_path.glob("*.keras"):
        path.write_bytes(b"broken")
    with pytest.warns(UserWarning, match=r"the (domain|content) judge is trained again: .*\.keras"):
        second = train_judges(source, target, folder=tmp_path, settings=short)
    np.testing.assert_allclose(
        second.domain.features(target), first.domain.features(target), atol=1e-3
    )
    np.testing.assert_allclose(
        second.content.features(target), first.content.features(target), atol=1e-4
    )


@pytest.mark.slow
def test_domains_may_differ_in_size_and_channels():
    short = JudgeSettings(side=16, batch=8, domain_steps=1, content_steps=1)
    grey = blobs(4, seed=1)[0].mean(-1, keepdims=True)
    clear = np.concatenate([blobs(5, seed=2, side=24)[1], np.ones((5, 24, 24, 1))], axis=-1)
    judges = train_judges(grey, clear, settings=short)
    assert judges.content.features(clear).shape == (5, 960)


def test_one_image_and_invalid_settings_are_refused():
    image = blobs(1, seed=1)[0]
    with pytest.raises(DataError, match="of each domain, but there are 1 and 1"):
        train_judges(image, image)
    with pytest.raises(ValueError, match="`side` must be a multiple of 16, at least 16, got 40"):
        JudgeSettings(side=40)
    with pytest.raises(ValueError, match="`batch` at least 4"):
        JudgeSettings(batch=2)
