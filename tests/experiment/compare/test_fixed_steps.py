"""Steps that were timed once for all cells of a method."""

import json
from pathlib import Path

import pytest

from tf_translate.config.task import load_task
from tf_translate.errors import RunError
from tf_translate.experiment.compare import fixed_steps
from tf_translate.experiment.compare.cells.comparison import make_comparison
from tf_translate.experiment.step_timing import SlowStart, StepTime

TIME = StepTime(first=30.0, seconds=0.5, unit=1, stages={"train": 0.5})


@pytest.fixture
def timed(tmp_path, monkeypatch):
    """A folder of comparisons with step times of pix2pix, which were not measured."""
    monkeypatch.setattr(fixed_steps, "_time_cell", lambda cell, imports: TIME)
    comparison = _comparison(tmp_path)
    fixed_steps.measure_steps(
        [comparison.cell("pix2pix", 0)],
        comparison.folder,
        jobs=1,
        trained_as=comparison.task.trained_as,
        record={"machine": {"processor": "a processor"}},
        report=lambda *_: None,
    )
    return tmp_path


def _comparison(run: Path, data: str = "/data", **options):
    name, task = load_task("paired")
    return make_comparison(name, task, run=run, data=Path(data), **options)


def test_cells_of_a_timed_method_take_the_steps_that_fit(timed):
    cell = _comparison(timed, minutes=10).cell("pix2pix", 1)
    # 600 s less 30 s, of which 95 % are for steps of .5 s.
    assert cell.settings["training.steps"] == 1083
    assert "training.minutes" not in cell.settings
    assert cell.minutes == 10
    assert cell.steps_from["machine"] == {"processor": "a processor"}


def test_ablations_take_the_steps_of_their_method(timed):
    cell = _comparison(timed, minutes=10).cell("pix2pix-without-l1", 0)
    assert cell.settings["training.steps"] == 1083


def test_a_method_that_was_not_timed_has_its_minutes(timed):
    cell = _comparison(timed).cell("cyclegan", 0)
    assert cell.settings["training.minutes"] == cell.minutes == 20
    assert cell.steps_from is None


def test_data_may_be_elsewhere_but_settings_may_not_differ(timed):
    assert _comparison(timed, data="/elsewhere").cell("pix2pix", 0).steps_from
    with pytest.raises(RunError, match=r"with training\.batch_size = None, not 4"):
        _comparison(timed, overrides=["training.batch_size=4"]).cell("pix2pix", 0)


def _measure(comparison, *names, jobs=1):
    fixed_steps.measure_steps(
        [comparison.cell(name, 0) for name in names],
        comparison.folder,
        jobs=jobs,
        trained_as=comparison.task.trained_as,
        record={},
        report=lambda *_: None,
    )


def test_a_second_measurement_replaces_nothing(timed):
    with pytest.raises(RunError, match="has times of pix2pix already"):
        _measure(_comparison(timed), "pix2pix")


def test_a_method_that_is_added_is_scaled_by_those_that_were_timed_before(timed, monkeypatch):
    comparison = _comparison(timed)
    with pytest.raises(RunError, match="add two or three of them to --methods"):
        _measure(comparison, "cyclegan")
    with pytest.raises(RunError, match="--jobs must be 1"):
        _measure(comparison, "cyclegan", "pix2pix", jobs=2)
    slow = {"encoder": SlowStart(100, 4.0, 0.25)}
    busier = {"pix2pix": StepTime(60.0, 1.0, 1, {"train": 1.0})}  # half as fast as before
    new = StepTime(20.0, 3.0, 1, {"train": 2.0, "encoder": 6.0}, slow)
    monkeypatch.setattr(fixed_steps, "_time_cell", lambda cell, imports: busier.get(cell.name, new))
    _measure(comparison, "cyclegan", "pix2pix")
    file = timed / "paired" / fixed_steps.STEPS
    found = json.loads(file.read_text())["methods"]
    assert found["pix2pix"]["seconds"] == 0.5
    assert found["cyclegan"]["scaled_by"] == {"pix2pix": 0.5}
    half = StepTime(
        10.0, 1.5, 1, {"train": 1.0, "encoder": 3.0}, {"encoder": SlowStart(100, 2.0, 0.25)}
    )
    assert fixed_steps.read_steps(file.parent).times["cyclegan"] == half
    # 0.95 of 590 s are 560.5 s. A step takes 1.5 s, a quarter of them 2 s more: 2 s in the mean.
    assert _comparison(timed, minutes=10).cell("cyclegan", 0).settings["training.steps"] == 280


def test_methods_that_share_a_training_are_timed_once(tmp_path, monkeypatch):
    name, task = load_task("ordinal")
    comparison = make_comparison(name, task, run=tmp_path, data=Path("/data"))
    timed, sources = [], []

    def time_cell(cell, imports):
        timed.append(cell.name)
        return StepTime(1.0, 0.1 * len(timed), 1, {"train": 0.1}, {"train": SlowStart(5, 0.2)})

    monkeypatch.setattr(fixed_steps, "_time_cell", time_cell)

    def measure(*names):
        fixed_steps.measure_steps(
            [comparison.cell(each, 0) for each in names],
            comparison.folder,
            jobs=1,
            trained_as=task.trained_as,
            record={"machine": {}},
            report=lambda name, time, source: sources.append((name, source)),
        )

    measure("age_cgan_encoder", "age_cgan", "icgan")
    assert timed == ["age_cgan_encoder", "icgan"]
    measure("age_cgan_pixelwise")  # no other method has to be timed again
    assert len(timed) == 2
    assert sources[1:] == [
        ("age_cgan", "age_cgan_encoder"),
        ("icgan", "icgan"),
        ("age_cgan_pixelwise", "age_cgan_encoder"),
    ]
    found = fixed_steps.read_steps(comparison.folder)
    assert found.times["age_cgan"] == found.times["age_cgan_pixelwise"]
    assert found.times["age_cgan"].seconds == 0.1
    assert "evaluation.signature" in found.settings["age_cgan"]
    assert "evaluation.signature" not in found.settings["age_cgan_encoder"]


def test_a_broken_file_is_refused(timed):
    file = timed / "paired" / fixed_steps.STEPS
    values = json.loads(file.read_text())
    values["methods"]["pix2pix"]["seconds"] = 0
    file.write_text(json.dumps(values))
    with pytest.raises(RunError, match=r"steps.json is broken: .*seconds"):
        _comparison(timed)
