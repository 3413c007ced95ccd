"""Costs of a translation: which signatures count, when it is refused, and a real measurement."""

import json

import pytest

from tests.experiment.compare.cells.shipped import comparison_on
from tf_translate.core.translator import Translator
from tf_translate.errors import RunError
from tf_translate.experiment.compare import cores
from tf_translate.experiment.compare.cells.cell import toml_value
from tf_translate.experiment.compare.costs import (
    COSTS,
    measure_costs,
    read_costs,
    signatures_of,
)
from tf_translate.experiment.configure import resolve
from tf_translate.training.run_dir import RunDir

TINY = (
    "data.size=[16, 16]",
    "model.num_downsamples=2",
    "model.base_filters=4",
    "model.discriminator_layers=1",
    "model.discriminator_filters=4",
    'model.upsampling="transposed"',
)


def _finished(folder, name="pix2pix"):
    """A finished cell with its configuration, without weights."""
    cell = comparison_on("paired", run=folder, data=folder).cell(name, 0)
    settings = [f"{key}={toml_value(value)}" for key, value in cell.settings.items()]
    config = resolve(cell.preset, [*settings, *TINY])
    RunDir.create(cell.folder, config.model_dump(mode="json"))
    record = {"task": "paired", "name": name, "method": name, "seed": 0}
    record |= {"direction": cell.direction, "steps": 10, "budget_minutes": 20.0}
    (cell.folder / "cell.json").write_text(json.dumps(record))
    return cell.folder


class _Method(Translator):
    def __init__(self, layout, *names, directions=None):
        self._fixed = layout, names, directions or {}

    @property
    def layout(self):
        return self._fixed[0]

    @property
    def directions(self):
        return self._fixed[2]

    def signatures(self):
        return dict.fromkeys(self._fixed[1])


def test_an_edit_through_the_latent_counts_both_halves():
    ian = _Method("images", "reconstruct", "edit", "encode", "decode")
    assert signatures_of(ian, "add_glasses") == ["encode", "decode"]
    assert signatures_of(ian, "add_glasses_painted") == ["edit"]
    assert signatures_of(ian, "reconstruct") == ["reconstruct"]
    fader = _Method("attributes", "translate", "encode", "decode")
    assert signatures_of(fader, "add_glasses") == ["translate"]
    assert signatures_of(fader, "add_glasses", "translate_preserving") == ["translate_preserving"]
    genegan = _Method("unpaired", "remove", "swap", directions={"b_to_a": "swap"})
    assert signatures_of(genegan, "b_to_a") == ["swap"]


@pytest.mark.skipif(not cores.can_pin(), reason="this system cannot pin processes")
def test_costs_are_refused_while_a_comparison_trains(tmp_path, monkeypatch):
    monkeypatch.setattr(cores.tempfile, "gettempdir", lambda: str(tmp_path))
    _finished(tmp_path / "runs")
    held = cores.free_core()
    with pytest.raises(RunError, match="a comparison is training on this machine"):
        measure_costs(tmp_path / "runs")
    held.release()
    assert not (tmp_path / "runs" / "paired" / COSTS).exists()
    taken = [cores.free_core() for _ in range(cores.count_cores())]  # none is held any more
    assert None not in taken
    for core in taken:
        core.release()


def test_a_broken_file_is_named(tmp_path):
    assert read_costs(tmp_path) is None
    machine = '"machine": {"cores": 2}, "runs": 1, "threads": 1, "runtime": "", "load_before": null'
    texts = (
        *("{", "{}", "[]", '{"methods": {"a": {"multiply_adds": 1}}}'),
        f'{{{machine}, "methods": {{"a": {{"multiply_adds": "many"}}}}}}',
        f'{{{machine}, "methods": {{"a": {{"reason": 1}}}}}}',
    )
    for text in texts:
        (tmp_path / COSTS).write_text(text)
        with pytest.raises(RunError, match=r"costs\.json is broken"):
            read_costs(tmp_path)


@pytest.mark.slow
def test_costs_are_those_of_the_exported_generator(tmp_path, monkeypatch):
    monkeypatch.setattr(cores.tempfile, "gettempdir", lambda: str(tmp_path))
    _finished(tmp_path / "runs")
    lines = []
    (file,) = measure_costs(tmp_path / "runs", runs=2, report=lines.append)
    assert file == tmp_path / "runs" / "paired" / COSTS
    assert lines[0].startswith("pix2pix: ")
    found = read_costs(file.parent)["methods"]["pix2pix"]
    assert found["signatures"] == ["a_to_b"]
    # 4 x 4 filters at strides of 2: 3 to 4 channels onto 8 x 8, 4 to 8 onto 4 x 4; back from 4 x 4
    # to 4 channels, and from 8 x 8 to 2, with skips; 3 x 3 filters from 2 + 3 channels to 3.
    down = 8 * 8 * 4 * (16 * 3) + 4 * 4 * 8 * (16 * 4)
    up = 4 * 4 * 8 * (16 * 4) + 8 * 8 * (4 + 4) * (16 * 2)
    assert found["multiply_adds"] == down + up + 16 * 16 * 3 * (9 * 5)
    filters = 16 * (3 * 4 + 4 * 8 + 8 * 4 + 8 * 2) + 9 * 5 * 3
    assert filters <= found["parameters"] < filters + 40  # and biases and offsets
    for recipe in ("float32", "dynamic_int8"):
        assert found[recipe]["size_bytes"] > 1000
        assert found[recipe]["median_ms"] > 0
