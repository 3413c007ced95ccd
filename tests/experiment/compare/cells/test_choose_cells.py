"""The cells that a command names, seed by seed, and mistakes in the names."""

import pytest

from tests.experiment.compare.cells.shipped import comparison_on
from tf_translate.errors import ConfigError
from tf_translate.experiment.compare.cells.choose_cells import choose_cells, find_cell


def test_all_methods_come_before_the_next_seed_and_each_once():
    cells = choose_cells(comparison_on(), ["pix2pix", "ian", "pix2pix"], 2)
    assert [each.id for each in cells] == ["pix2pix:0", "ian:0", "pix2pix:1", "ian:1"]
    assert find_cell(comparison_on(), "ian:1") == cells[3]


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: choose_cells(comparison_on(), ["cylegan"], 1), "has no method 'cylegan', only"),
        (lambda: choose_cells(comparison_on("paired"), ["fader"], 1), "fader is not compared in"),
        (lambda: choose_cells(comparison_on(), [], 0), "--seeds must be at least 1, got 0"),
        (lambda: find_cell(comparison_on(), "ian"), "--cell must be METHOD:SEED"),
    ],
)
def test_a_mistake_is_one_sentence(mistake, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mistake()
