"""Images and scores that a cell keeps: chosen by content, lossless, the same for all methods."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.experiment.compare.synthetic_cells import Damaged, write_cells, write_evaluation
from tf_translate.config.task import load_task
from tf_translate.errors import RunError
from tf_translate.evaluation.metrics.completeness import JudgeScores
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.experiment.compare.cells import cell_images, cell_state
from tf_translate.experiment.compare.cells.cell import toml_value
from tf_translate.experiment.compare.cells.cell_images import (
    BEST,
    CHOSEN,
    IMAGES,
    MEDIAN,
    PER_IMAGE,
    WORST,
    chosen_by_seed,
    image_keys,
    image_scores,
    keep_images,
    read_images,
    read_per_image,
)
from tf_translate.experiment.compare.cells.comparison import make_comparison
from tf_translate.experiment.configure import resolve
from tf_translate.training.run_dir import RunDir


def _noise(count, *, seed=0, shape=(8, 8, 3)):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)


def _arrays(count, **changes):
    random = np.random.default_rng(1)
    arrays = {
        "source": _noise(count),
        "output": _noise(count, seed=1),
        "truth": _noise(count, seed=2),
        "margin": random.standard_normal(count).astype(np.float32),
        "in_target": np.ones(count, np.float32),
        "l1": random.random(count).astype(np.float32),
        **changes,
    }
    return {name: each for name, each in arrays.items() if each is not None}


def _keep(folder, arrays):
    np.savez(folder / "a_to_b.npz", **arrays)
    keep_images(folder / "a_to_b.npz", folder)
    return read_images(folder)


def test_an_image_is_known_by_its_look_and_equal_images_by_their_order():
    grey = _noise(3, shape=(4, 4, 1))
    keys = image_keys(grey)
    assert len(set(keys)) == 3
    assert (image_keys(np.repeat(grey, 3, axis=-1)) == keys).all()
    twice = image_keys(grey[[0, 0, 1]])
    assert twice[0] == keys[0]
    assert len(set(twice)) == 3


def test_the_same_images_are_chosen_in_any_order_and_others_by_another_seed():
    keys, order = image_keys(_noise(40)), np.random.default_rng(0).permutation(40)
    chosen = keys[chosen_by_seed(keys, 16)]
    shuffled = keys[order]
    assert (shuffled[chosen_by_seed(shuffled, 16)] == chosen).all()
    assert set(keys[chosen_by_seed(keys, 16, seed=1)]) != set(chosen)
    fewer = keys[keys != chosen[3]]  # without one of them, the others stay
    assert set(chosen) - {chosen[3]} <= set(fewer[chosen_by_seed(fewer, 16)])


def test_scores_by_what_is_known():
    nan = np.nan
    inside, outside = np.array([0.4, nan, 0.2]), np.array([0.2, 0.1, nan])
    values = {"l1_inside_edit": inside, "l1_outside_edit": outside, "l1": np.zeros(3)}
    name, scores = image_scores(values)
    assert "inside and outside" in name
    np.testing.assert_allclose(scores, [-0.3, -0.1, -0.2], rtol=1e-6)
    np.testing.assert_allclose(image_scores({"l1": np.array([0.5])})[1], [-0.5])
    values = {"margin": np.array([0.5, -0.5]), "in_target": np.array([0.0, 1.0])}
    np.testing.assert_allclose(image_scores(values)[1], [-3.5, -0.5])


def test_images_come_back_exactly_and_extremes_are_those_of_the_scores(tmp_path):
    arrays = _arrays(40)
    kept = _keep(tmp_path, arrays)
    kinds = [each.kind for each in kept]
    assert kinds == [CHOSEN] * 16 + [BEST] * 4 + [MEDIAN] * 4 + [WORST] * 4
    keys = list(image_keys(arrays["source"]))
    for each in kept:
        at = keys.index(each.key)
        assert (each.source == arrays["source"][at]).all()
        assert (each.output == arrays["output"][at]).all()
        assert (each.truth == arrays["truth"][at]).all()
        assert each.score == -arrays["l1"][at]
    ascending = np.sort(arrays["l1"])
    shown = {kind: [-e.score for e in kept if e.kind == kind] for kind in (BEST, MEDIAN, WORST)}
    assert shown[BEST] == list(ascending[:4])
    assert shown[MEDIAN] == list(ascending[18:22])
    assert shown[WORST] == list(ascending[:-5:-1])
    scores = read_per_image(tmp_path)
    assert (scores.scores["l1"] == arrays["l1"]).all()
    assert (scores.keys == image_keys(arrays["source"])).all()


def test_domains_may_differ_in_size_and_channels_and_have_no_truth(tmp_path):
    source, output = _noise(5, shape=(6, 4, 1)), _noise(5, seed=1, shape=(8, 10, 4))
    kept = _keep(tmp_path, _arrays(5, source=source, output=output, truth=None, l1=None))
    assert [each.kind for each in kept] == [CHOSEN] * 5 + [BEST, MEDIAN, WORST]
    assert kept[0].truth is None
    assert kept[0].source.shape == (6, 4, 3)
    assert kept[0].output.shape == (8, 10, 3)
    at = list(image_keys(source)).index(kept[0].key)
    assert (kept[0].source == source[at]).all()


@pytest.mark.parametrize(
    "changes",
    [{"margin": None}, {"l1": np.zeros(3, np.float32)}, {"truth": np.zeros((6, 8, 8, 3))}],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes):
    with pytest.raises(RunError, match=r"a_to_b\.npz is broken: its arrays do not fit together"):
        _keep(tmp_path, _arrays(6, **changes))


def test_broken_files_of_a_cell_are_named(tmp_path):
    _keep(tmp_path, _arrays(6))
    Image.new("RGB", (3, 3)).save(tmp_path / IMAGES)
    with pytest.raises(RunError, match=r"images\.png is broken: the sheet has another size"):
        read_images(tmp_path)
    (tmp_path / IMAGES).write_bytes(b"no image")
    with pytest.raises(RunError, match=r"images\.png is broken"):
        read_images(tmp_path)
    (tmp_path / PER_IMAGE).write_bytes(b"PK no archive")
    with pytest.raises(RunError, match=r"per_image\.npz is broken"):
        read_per_image(tmp_path)


def test_arrays_that_would_fill_the_memory_run_code_or_are_cut_are_refused(tmp_path, monkeypatch):
    _keep(tmp_path, _arrays(6))
    whole = (tmp_path / PER_IMAGE).read_bytes()
    (tmp_path / PER_IMAGE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"per_image\.npz is broken"):
        read_per_image(tmp_path)
    np.savez(tmp_path / PER_IMAGE, key=np.array([{}], object))
    with pytest.raises(RunError, match=r"per_image\.npz is broken: Object arrays cannot be loaded"):
        read_per_image(tmp_path)
    header = io.BytesIO()
    claim = {"descr": "<u8", "fortran_order": False, "shape": (2**50,)}
    np.lib.format.write_array_header_1_0(header, claim)
    with zipfile.ZipFile(tmp_path / PER_IMAGE, "w") as members:
        members.writestr("key.npy", header.getvalue())
    with pytest.raises(RunError, match=r"per_image\.npz is broken"):
        read_per_image(tmp_path)
    monkeypatch.setattr(cell_images, "_LARGEST_ARRAYS", 10)
    with pytest.raises(RunError, match=r"its arrays take \d+ bytes, more than those of any cell"):
        read_per_image(tmp_path)


def test_a_cell_without_them_has_none(tmp_path):
    assert read_images(tmp_path) == []
    assert read_per_image(tmp_path) is None


def test_cells_of_all_methods_keep_the_same_images(tmp_path):
    random = np.random.default_rng(0)
    source = random.uniform(-1, 1, (24, 16, 16, 3)).astype(np.float32)
    methods = {"pix2pix": Damaged("blur", 1), "fader": Damaged("noise", 2)}
    folder = write_cells(tmp_path, source, -source, methods)  # each in an order of its own
    first, second = (
        [(e.key, e.source.tobytes()) for e in read_images(folder / f"{name}-0") if e.kind == CHOSEN]
        for name in methods
    )
    assert first == second


@pytest.fixture
def evaluated(tmp_path):
    """A cell that was evaluated, with random images."""
    name, task = load_task("paired")
    comparison = make_comparison(name, task, run=tmp_path, data=tmp_path)
    cell = comparison.cell("pix2pix", 0)
    settings = [f"{key}={toml_value(value)}" for key, value in cell.settings.items()]
    RunDir.create(cell.folder, resolve(cell.preset, settings).model_dump(mode="json"))
    images = np.random.default_rng(0).uniform(-1, 1, (4, 6, 8, 8, 3)).astype(np.float32)
    direction = Direction("a_to_b", *images)
    flat, features = np.zeros(6), np.zeros((6, 128))
    scores = JudgeScores(flat, flat, flat, flat, flat, features, flat)
    evaluation = cell.folder / "evaluation"
    for each in ("a_to_b", "b_to_a"):
        write_evaluation(evaluation / f"{each}.npz", direction, scores)
    (evaluation / "test64.json").write_text(json.dumps({"directions": {"a_to_b": {}}}))
    Image.new("RGB", (4, 4)).save(evaluation / "a_to_b.png")
    return cell


@pytest.mark.parametrize("keep_weights", [False, True])
def test_a_finished_cell_keeps_its_images_and_not_those_of_evaluate(evaluated, keep_weights):
    cell_state.finish(
        evaluated, task="paired", command="compare", core=0, keep_weights=keep_weights
    )
    assert len(read_images(evaluated.folder)) == 6 + 3 * 2
    left = {file.name for file in (evaluated.folder / "evaluation").glob("*.npz")}
    assert left == ({"a_to_b.npz", "b_to_a.npz"} if keep_weights else set())


def test_a_kill_while_weights_are_deleted_leaves_the_cell_finished(evaluated, monkeypatch):
    def killed(run):
        raise KeyboardInterrupt

    monkeypatch.setattr(cell_state, "_delete_weights", killed)
    with pytest.raises(KeyboardInterrupt):
        cell_state.finish(evaluated, task="paired", command="c", core=0, keep_weights=False)
    assert cell_state.state_of(evaluated) == cell_state.FINISHED
