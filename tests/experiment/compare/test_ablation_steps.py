"""A step of every ablation of the ten methods: the term that is off is in no loss and no gradient.

Gradients are linear in the loss terms. So those of all terms must be those without a term, plus
those of that term alone, for every player.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.experiment.compare.cells.shipped import comparison_on, config_of
from tests.methods.test_conformance import _batch
from tf_translate.experiment.compare.cells.choose_cells import choose_cells
from tf_translate.experiment.compare.cells.supervision import applicable
from tf_translate.methods import registry

_STEP = 1  # ramps start at 0
_KEPT = ("gan_mode", "variant", "updates", "discriminator")  # of the task: which terms there are
_ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}


def _build(config, weights):
    """The method of a cell with tiny networks, equal for equal settings."""
    method = registry.find(config.method)
    own = {key: config.model[key] for key in _KEPT if key in config.model}
    settings = {**method.translator.conformance.settings, **own}
    shape = (16, 16, 3)
    shapes = (shape,) if method.layout in ("attributes", "images") else (shape, shape)
    attributes = {"attributes": _ATTRIBUTES} if method.layout == "attributes" else {}
    tf.keras.utils.set_random_seed(0)
    model = method.translator.from_settings(
        method.settings(**settings), *shapes, loss_weights=weights, **attributes
    )
    model.compile(run_eagerly=True)
    return model


def _gradients(model, stage):
    """The logged losses of a step, and by player and turn its gradients; nothing is updated."""
    model.stage = stage
    for layer in model._flatten_layers():
        if hasattr(layer, "moving_mean"):
            layer.momentum = 1.0  # a player's turn does not change the statistics of the next
    model.steps_taken.assign(_STEP)
    found = {}

    def record(player, gradients):
        turn = sum(name == player.name for name, _ in found)
        variables = model.variables_of(player)
        found[player.name, turn] = [
            np.zeros(variable.shape) if each is None else np.array(each)
            for each, variable in zip(gradients, variables, strict=True)
        ]
        return [tf.zeros_like(variable) for variable in variables]

    model.transform_gradients = record
    model.after_turn = lambda _: None  # clips nothing: all turns see the initial weights
    for optimizer in model.player_optimizers.values():
        optimizer.apply = lambda *_: None
    logs = model.train_step(_batch(6 * model.microbatches_per_step))
    return {name.partition("/")[2] for name in logs}, found


@pytest.mark.slow
@pytest.mark.parametrize("name", applicable(comparison_on().task))
def test_a_step_without_a_term_has_the_gradients_of_all_others(name):
    comparison = comparison_on()
    control, *cells = choose_cells(comparison, [name], 1, ablations=True)
    config = config_of(control)
    method = registry.find(config.method)
    stages = dict.fromkeys(player.stage for player in method.translator.players)
    full = {stage: _gradients(_build(config, config.loss_weights), stage) for stage in stages}
    assert cells
    for cell in cells:
        ablated = config_of(cell)
        assert all(ablated.loss_weights[term] == 0 for term in cell.ablation.terms)
        others = set(config.loss_weights) - set(cell.ablation.terms)
        assert all(ablated.loss_weights[term] == config.loss_weights[term] for term in others)
        model = _build(ablated, ablated.loss_weights)
        off = {term.name: 0.0 for term in method.translator.terms}
        own = {name: config.loss_weights.get(name) for name in cell.ablation.terms}
        weights = {name: weight for name, weight in {**off, **own}.items() if weight is not None}
        alone = _build(ablated, weights)  # a weight that is a schedule is the method's own
        contained = False
        for stage, (logged, gradients) in full.items():
            if stage not in model.stages:
                assert logged <= set(cell.ablation.terms)
                contained = True
                continue
            present, without = _gradients(model, stage)
            assert present == logged - set(cell.ablation.terms), cell.id
            term = _gradients(alone, stage)[1] if stage in alone.stages else {}
            for key, values in gradients.items():
                zeros = [np.zeros_like(each) for each in values]
                pairs = zip(values, without.get(key, zeros), term.get(key, zeros), strict=True)
                largest = max(np.abs(each).max() for each in (*values, *term.get(key, zeros)))
                for all_terms, others_only, own in pairs:
                    np.testing.assert_allclose(
                        all_terms - others_only, own, rtol=0, atol=1e-4 * largest, err_msg=cell.id
                    )
                    contained |= bool(np.abs(own).max() > 0)
        assert contained, f"{cell.id}: the term has no gradient with all terms either"
