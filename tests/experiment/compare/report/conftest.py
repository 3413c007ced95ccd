"""Synthetic cells whose right order is known, and their summary."""

import pytest

from tests.evaluation.toys import blobs
from tests.experiment.compare.synthetic_cells import Damaged, write_cells
from tf_translate.experiment.compare.collect import collect
from tf_translate.experiment.compare.report.summary import summarize

METHODS = {  # discogan changes the person, dualgan nothing at all
    "dualgan": Damaged("fade", 5),
    "pix2pix": Damaged("blur", 1),
    "cyclegan": Damaged("noise", 4),
    "discogan": Damaged("swap", 5),
}


@pytest.fixture(scope="session")
def cells(tmp_path_factory):
    """Folder of comparisons with four methods and two seeds."""
    folder = tmp_path_factory.mktemp("comparisons")
    source, truth = blobs(30, seed=0)
    write_cells(folder, source, truth, METHODS, seeds=2)
    return folder


@pytest.fixture(scope="session")
def summary(cells):
    """What is said of their task."""
    return summarize(collect(cells), cells)[0]
