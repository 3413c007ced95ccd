import io
import json
import zipfile

import numpy as np
import pytest

from tf_translate.errors import DataError
from tf_translate.evaluation.judges import exported_judges
from tf_translate.evaluation.judges.exported_judges import (
    ExportedJudges,
    entry_of,
    packed_files,
    read_index,
)
from tf_translate.evaluation.judges.judges import (
    JudgeSettings,
    retrieval_hits,
    train_judges,
)

SETTINGS = JudgeSettings(side=16, batch=4, domain_steps=3, content_steps=3)


def _images(count, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 20, 20, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("judges")


@pytest.fixture(scope="module")
def trained(folder):
    """Judges of one direction and of its reverse, saved in the folder with an index."""
    a, b = _images(6, 0), np.abs(_images(6, 1))
    both = {
        "add_hat": train_judges(a, b, folder=folder, settings=SETTINGS),
        "remove_hat": train_judges(b, a, folder=folder, settings=SETTINGS),
    }
    entries = {
        "add_hat": entry_of(both["add_hat"], "translate", {"hat": 1.0}),
        "remove_hat": entry_of(both["remove_hat"], "translate", {"hat": 0.0}),
        "b_to_a": entry_of(both["remove_hat"], "b_to_a", {}),
    }
    exported_judges.write_index(folder, entries)
    return both


def _load(files, *, labels=None):
    def read(name, expected):
        with np.load(io.BytesIO(files[name]), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        found = {key: (value.shape, value.dtype.name) for key, value in arrays.items()}
        assert found == dict(expected)  # the arrays that the network needs, no others
        return arrays

    index = read_index(files[exported_judges.INDEX_FILE], "index")
    return ExportedJudges(index, read, labels or {"translate": {"attributes": ("beard", "hat")}})


@pytest.mark.thorough
def test_weights_of_both_judges_are_packed_once_and_as_arrays_only(folder, trained):
    files = packed_files(folder)
    file_id = trained["add_hat"].file_id
    assert set(files) == {"directions.json", f"domain-{file_id}.npz", f"content-{file_id}.npz"}
    for name in (f"domain-{file_id}.npz", f"content-{file_id}.npz"):
        with zipfile.ZipFile(io.BytesIO(files[name])) as archive:
            assert all(member.endswith(".npy") for member in archive.namelist())


def test_exported_judges_give_the_metrics_of_the_trained_judges(folder, trained):
    sources, results = _images(6, 2), _images(6, 3)
    inputs, outputs = {"image": sources[:, None]}, {"image": results[:, None]}
    found = _load(packed_files(folder))("b_to_a", inputs, outputs)
    judges = trained["remove_hat"]
    one, two = judges.content.features(sources), judges.content.features(results)
    expected = {
        "b_to_a content/similarity": np.mean([x @ y for x, y in zip(one, two, strict=True)]),
        "b_to_a content/retrieval@1": retrieval_hits(two, one).mean(),
        "b_to_a domain/accuracy": judges.domain.predicts_target(results).mean(),
        "b_to_a domain/logit": judges.domain.logits(results).mean(),
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == (pytest.approx(value, abs=1e-6), 6)


def test_directions_of_one_signature_measure_the_cases_with_their_attributes(folder, trained):
    results = _images(6, 3)
    attributes = np.float32([[0, 1], [1, 1], [0, 0], [1, 1], [1, 1], [0, 0]])[:, None]
    inputs = {"image": _images(6, 2)[:, None], "attributes": attributes}
    found = _load(packed_files(folder))("translate", inputs, {"image": results[:, None]})
    counts = {name.split()[0]: count for name, (_, count) in found.items()}
    assert counts == {"add_hat": 4, "remove_hat": 2}
    assert "add_hat content/retrieval@1" in found
    assert "remove_hat content/retrieval@1" not in found  # retrieval among two images says little
    with_hat = trained["add_hat"].domain.logits(results[[0, 1, 3, 4]]).mean()
    assert found["add_hat domain/logit"][0] == pytest.approx(with_hat, abs=1e-6)
    without = trained["add_hat"].domain.logits(results[[2, 5]]).mean()
    assert found["remove_hat domain/logit"][0] == pytest.approx(-without, abs=1e-6)


def test_other_signatures_and_outputs_other_than_images_have_no_metrics(folder, trained):
    judges = _load(packed_files(folder))
    inputs = {"image": _images(2, 2)[:, None]}
    assert judges("encode", inputs, {"latent": np.zeros((2, 1, 5), np.float32)}) == {}
    assert judges("b_to_a", inputs, {"latent": np.zeros((2, 1, 5), np.float32)}) == {}


def test_a_run_without_evaluation_has_no_packed_judges(tmp_path):
    assert packed_files(tmp_path) == {}


def test_packing_names_a_missing_judge(folder, trained, tmp_path):
    (tmp_path / "directions.json").write_bytes((folder / "directions.json").read_bytes())
    with pytest.raises(DataError, match=r"the judge .*domain-.*\.keras does not exist; evaluate"):
        packed_files(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda index: index.update(protocol=0),
            "has judges of protocol 0, this version supports 1",
        ),
        (lambda index: index["directions"]["b_to_a"].update(file_id="../../x"), "match pattern"),
        (lambda index: index["directions"]["b_to_a"].update(side=10**6), "less than or equal to"),
        (lambda index: index["directions"]["b_to_a"].update(module="os"), "not permitted"),
        (lambda index: index.update(directions=3), "is no index of judges"),
    ],
)
def test_an_invalid_index_is_refused(folder, trained, change, message):
    index = json.loads((folder / "directions.json").read_text())
    change(index)
    with pytest.raises(DataError, match=message):
        read_index(json.dumps(index).encode(), "there")
    with pytest.raises(DataError, match="there is no index of judges"):
        read_index(b"{", "there")
