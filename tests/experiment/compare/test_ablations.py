"""Ablations of methods: names, settings that switch terms off, and terms that cannot be."""

import dataclasses
import json
import shlex
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from tests.experiment.compare.cells.shipped import comparison_on, config_of
from tests.methods.test_conformance import _build
from tf_translate.config.load import load
from tf_translate.core.conformance import Conformance
from tf_translate.core.loss_terms import Role
from tf_translate.errors import ConfigError
from tf_translate.experiment.compare.ablations import ablations_of, method_of
from tf_translate.experiment.compare.cells.choose_cells import choose_cells, find_cell
from tf_translate.experiment.compare.prepare import check_record
from tf_translate.experiment.configure import resolve
from tf_translate.methods import registry


def _of(preset, *overrides):
    given = load(preset, overrides).loss_weights
    return ablations_of("name", resolve(preset, overrides), given)


def test_cells_are_all_terms_and_each_term_off_with_names_that_are_safe_in_a_shell():
    cells = choose_cells(comparison_on(), ["pix2pix"], 2, ablations=True)
    assert [each.id for each in cells[:4]] == [
        "pix2pix-all-terms:0",
        "pix2pix-without-l1:0",
        "pix2pix-without-adversarial:0",
        "pix2pix-without-discriminator:0",
    ]
    assert cells[1].folder == Path("runs/glasses/pix2pix-without-l1-0")
    assert config_of(cells[1]).loss_weights["l1"] == 0
    assert config_of(cells[0]).loss_weights["l1"] == 100
    assert find_cell(comparison_on(), cells[1].id) == cells[1]
    for each in choose_cells(comparison_on(), [], 1, ablations=True):
        assert shlex.quote(each.id) == each.id


def test_every_content_and_domain_term_of_the_ten_methods_is_off_once_or_refused():
    comparison = comparison_on()
    for name in comparison.task.methods:
        found = comparison.ablations(name)
        off = [term for each in found.cells for term in each.terms]
        assert len(off) == len(set(off))
        terms = registry.find(name).translator.terms
        units = {term.group or term.name for term in terms}
        assert units == {each.without for each in found.cells[1:]} | set(found.refused)
        roles = {each.role for each in found.cells[1:]}
        expected = {Role.CONTENT.value, Role.DOMAIN.value}
        assert (expected - {Role.CONTENT.value} if name == "fader" else expected) <= roles


@pytest.mark.parametrize("name", sorted(registry.names()))
def test_absent_terms_are_those_that_no_player_has(name):
    class_ = registry.find(name).translator
    if class_.conformance == Conformance():
        pytest.skip("it declares no tiny settings")
    settings = [{}]
    if "gan_mode" in class_.conformance.settings:
        settings.append({"gan_mode": "wgan_clip"})
    if name == "discogan":
        settings.append({"variant": "gan"})
    for own in settings:
        model = _build(name, compiled=False, settings={**class_.conformance.settings, **own})
        played = {term for player in model.players for term in player.terms}
        absent = class_.absent_terms(model.settings, {})
        assert played == {term.name for term in class_.terms} - set(absent)


def test_a_group_is_one_term_and_what_follows_it_keeps_its_weight():
    cycle = _of("cyclegan_paper").find("name-without-cycle")
    assert cycle.terms == ("cycle_a", "cycle_b")
    overrides = [f"{key}={value}" for key, value in cycle.settings.items()]
    weights = resolve("cyclegan_paper", overrides).loss_weights
    assert (weights["cycle_a"], weights["cycle_b"]) == (0, 0)
    assert (weights["identity_a"], weights["identity_b"]) == (5, 5)


@pytest.mark.parametrize(
    "given",
    [["cycle=3"], ["cycle_a=3"], ["cycle_a=3", "cycle_b=2"], ["cycle=3", "cycle_b=2"]],
)
def test_a_group_is_off_however_its_weights_were_given(given):
    own = [f"loss_weights.{each}" for each in given]
    cycle = _of("cyclegan_paper", *own).find("name-without-cycle")
    overrides = own + [f"{key}={value}" for key, value in cycle.settings.items()]
    weights = resolve("cyclegan_paper", overrides).loss_weights
    assert (weights["cycle_a"], weights["cycle_b"]) == (0, 0)


def test_terms_that_cannot_be_switched_off_are_refused_with_the_reason():
    assert _of("cyclegan_small").refused["identity"] == "its weight is 0 already in this task"
    assert _of("dualgan_paper").refused["gradient_penalty"] == "gan_mode is not wgan_gp"
    assert "it is all that generator learns from" in _of("icgan_small").refused["adversarial"]
    dtn = _of("dtn_small", "model.feature_extractor=f.keras", "training.stages={}")
    assert dtn.refused["classes"] == "the feature extractor is given, not trained"
    comparison = comparison_on()
    with pytest.raises(ConfigError, match="adversarial of icgan cannot be switched off: it is all"):
        find_cell(comparison, "icgan-without-adversarial:0")
    with pytest.raises(ConfigError, match="l2 of pix2pix is no loss term of it"):
        find_cell(comparison, "pix2pix-without-l2:0")


def test_a_network_that_a_term_does_not_reach_does_not_learn_from_it():
    reason = _of("fader_small").refused["reconstruction"]
    assert reason.startswith("it is all that decoder learns from")


def test_a_term_whose_network_takes_no_part_in_an_edit_is_refused():
    assert "takes part with model.mask_blend only" in _of("icgan_small").refused["attributes"]
    blended = _of("icgan_small", "model.mask_blend=true")
    assert blended.find("name-without-attributes") is not None
    search = "evaluation.signature=translate_preserving"
    assert "nt_xent" in _of("age_cgan_small").refused
    assert _of("age_cgan_small", search).find("name-without-nt_xent") is not None
    by_pixels = 'model.search={objective = "pixelwise"}'
    assert "nt_xent" in _of("age_cgan_small", search, by_pixels).refused


def test_cells_with_all_terms_come_first_and_know_the_others():
    cells = choose_cells(comparison_on(), ["pix2pix", "fader"], 1, ablations=True)
    assert [each.name for each in cells[:2]] == ["pix2pix-all-terms", "fader-all-terms"]
    names = [each.name for each in cells[2:]]
    told = [name for each in cells[:2] for name in each.ablation.record()["others"]]
    assert names == told
    assert "others" not in cells[2].ablation.record()


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("dtn-without-classes", {"feature_extractor"}),
        ("age_cgan-without-latent", {"encoder"}),
        ("age_cgan-without-nt_xent", {"identity_embedder"}),
        ("icgan-without-latent", {"encoder_z"}),
        ("pix2pix-without-l1", set()),
    ],
)
@pytest.mark.parametrize("unit", ["steps", "minutes"])
def test_stages_that_are_left_train_as_long_as_with_all_terms(name, left_out, unit):
    comparison = comparison_on()
    control, cell = comparison.cell(f"{method_of(name)}-all-terms", 0), comparison.cell(name, 0)
    translator = registry.find(control.method).translator
    known = list(translator.known_stages())
    assert left_out <= set(known)
    before, after = config_of(control).training, config_of(cell).training
    if unit == "minutes":
        assert before.minutes == 45
        total = after.minutes / before.minutes
    else:
        fixed = _FixedSteps(1000)
        fixed_comparison = dataclasses.replace(comparison, fixed_steps=fixed)
        after = config_of(fixed_comparison.cell(name, 0)).training
        total = after.steps / 1000
    left = [each for each in known if each not in left_out]
    for stage in left[:-1]:
        assert after.stages[stage] * total == pytest.approx(before.stages[stage], abs=1e-3)
    last = 1 - sum(after.stages[each] for each in left[:-1])
    full_last = 1 - sum(before.stages[each] for each in known[:-1])
    expected = before.stages[left[-1]] if left[-1] != known[-1] else full_last
    assert last * total == pytest.approx(expected, abs=1e-3)


class _FixedSteps:
    """Gives each method the same number of steps."""

    measured = MappingProxyType({})

    def __init__(self, count):
        self.count = count

    def steps(self, *_):
        return self.count


def test_ablations_beside_cells_of_another_budget_are_recorded_apart(tmp_path):
    long = comparison_on("paired", run=tmp_path)
    check_record(long, choose_cells(long, ["pix2pix"], 1))
    short = comparison_on("paired", run=tmp_path, minutes=10)
    check_record(short, choose_cells(short, ["pix2pix"], 1, ablations=True))
    record = json.loads((tmp_path / "paired" / "task.json").read_text())
    assert record["pix2pix"]["training.minutes"] == 20
    assert record["pix2pix-without-l1"]["loss_weights.l1"] == 0


def test_a_stage_whose_terms_are_off_is_left_out():
    model = _build("icgan", weights={"latent": 0.0})
    assert model.stages == ("gan", "encoder_y")
    assert model.generated_images(_attributes()) is not None
    model.enter_stage("encoder_y")
    assert model.generated_images(_attributes()) is None


def _attributes():
    return np.zeros((2, 4), np.float32)
