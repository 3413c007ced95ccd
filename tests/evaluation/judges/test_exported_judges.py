import io
import json
import zipfile

import numpy as np
import pytest

from tf_translate.errors import DataError
from tf_translate.evaluation.judges import exported_judges
from tf_translate.evaluation.judges.exported_judges import (
    CarriedJudges,
    described,
    packed,
    read_note,
)
from tf_translate.evaluation.judges.judges import (
    JudgeSettings,
    retrieved,
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
    """Judges of one direction and of its reverse, kept in the folder with a note of both."""
    a, b = _images(6, 0), np.abs(_images(6, 1))
    both = {
        "add_hat": train_judges(a, b, folder=folder, settings=SETTINGS),
        "remove_hat": train_judges(b, a, folder=folder, settings=SETTINGS),
    }
    notes = {
        "add_hat": described(both["add_hat"], "translate", {"hat": 1.0}),
        "remove_hat": described(both["remove_hat"], "translate", {"hat": 0.0}),
        "b_to_a": described(both["remove_hat"], "b_to_a", {}),
    }
    exported_judges.write_note(folder, notes)
    return both


def _unpacked(files, *, labels=None):
    def read(name, forms):
        with np.load(io.BytesIO(files[name]), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        found = {key: (value.shape, value.dtype.name) for key, value in arrays.items()}
        assert found == dict(forms)  # what is read is bounded by what the network needs
        return arrays

    note = read_note(files[exported_judges.NOTE], "note")
    return CarriedJudges(note, read, labels or {"translate": {"attributes": ("beard", "hat")}})


def test_weights_of_both_kinds_are_carried_once_and_as_arrays_only(folder, trained):
    files = packed(folder)
    kept_as = trained["add_hat"].kept_as
    assert set(files) == {"directions.json", f"domain-{kept_as}.npz", f"content-{kept_as}.npz"}
    for name in (f"domain-{kept_as}.npz", f"content-{kept_as}.npz"):
        with zipfile.ZipFile(io.BytesIO(files[name])) as archive:
            assert all(member.endswith(".npy") for member in archive.namelist())


def test_metrics_are_those_of_the_judges_that_were_trained(folder, trained):
    sources, results = _images(6, 2), _images(6, 3)
    inputs, outputs = {"image": sources[:, None]}, {"image": results[:, None]}
    found = _unpacked(packed(folder))("b_to_a", inputs, outputs)
    judges = trained["remove_hat"]
    one, two = judges.content.features(sources), judges.content.features(results)
    expected = {
        "b_to_a content/similarity": np.mean([x @ y for x, y in zip(one, two, strict=True)]),
        "b_to_a content/retrieval@1": retrieved(two, one).mean(),
        "b_to_a domain/accuracy": judges.domain.says_target(results).mean(),
        "b_to_a domain/logit": judges.domain.logits(results).mean(),
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == (pytest.approx(value, abs=1e-6), 6)


def test_directions_of_one_signature_measure_the_cases_that_ask_for_them(folder, trained):
    results = _images(6, 3)
    attributes = np.float32([[0, 1], [1, 1], [0, 0], [1, 1], [1, 1], [0, 0]])[:, None]
    inputs = {"image": _images(6, 2)[:, None], "attributes": attributes}
    found = _unpacked(packed(folder))("translate", inputs, {"image": results[:, None]})
    counts = {name.split()[0]: count for name, (_, count) in found.items()}
    assert counts == {"add_hat": 4, "remove_hat": 2}
    assert "add_hat content/retrieval@1" in found
    assert "remove_hat content/retrieval@1" not in found  # among two it says nothing
    with_hat = trained["add_hat"].domain.logits(results[[0, 1, 3, 4]]).mean()
    assert found["add_hat domain/logit"][0] == pytest.approx(with_hat, abs=1e-6)
    without = trained["add_hat"].domain.logits(results[[2, 5]]).mean()
    assert found["remove_hat domain/logit"][0] == pytest.approx(-without, abs=1e-6)


def test_other_signatures_and_outputs_that_are_no_images_have_no_metrics(folder, trained):
    carried = _unpacked(packed(folder))
    inputs = {"image": _images(2, 2)[:, None]}
    assert carried("encode", inputs, {"latent": np.zeros((2, 1, 5), np.float32)}) == {}
    assert carried("b_to_a", inputs, {"latent": np.zeros((2, 1, 5), np.float32)}) == {}


def test_a_run_that_was_not_evaluated_has_none(tmp_path):
    assert packed(tmp_path) == {}


def test_a_missing_judge_is_named(folder, trained, tmp_path):
    (tmp_path / "directions.json").write_bytes((folder / "directions.json").read_bytes())
    with pytest.raises(DataError, match=r"the judge .*domain-.*\.keras cannot be read; evaluate"):
        packed(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda note: note.update(protocol=0), "of judges' protocol 0 and this version knows 1"),
        (lambda note: note["directions"]["b_to_a"].update(kept_as="../../x"), "match pattern"),
        (lambda note: note["directions"]["b_to_a"].update(side=10**6), "less than or equal to"),
        (lambda note: note["directions"]["b_to_a"].update(module="os"), "not permitted"),
        (lambda note: note.update(directions=3), "does not say what judges measure"),
    ],
)
def test_a_foreign_note_is_refused(folder, trained, change, message):
    note = json.loads((folder / "directions.json").read_text())
    change(note)
    with pytest.raises(DataError, match=message):
        read_note(json.dumps(note).encode(), "there")
    with pytest.raises(DataError, match="there does not say what judges measure"):
        read_note(b"{", "there")
