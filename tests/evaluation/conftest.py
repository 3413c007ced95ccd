"""Judges of toy images, trained once for all tests of evaluation."""

import pytest

from tests.evaluation.toys import blobs
from tf_translate.evaluation.judges.judges import JudgeSettings, train_judges

SETTINGS = JudgeSettings(side=32, batch=32, domain_steps=40, content_steps=15)


@pytest.fixture(scope="session")
def judges_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("judges")


@pytest.fixture(scope="session")
def judges(judges_folder):
    # Unpaired: the shapes of the two training sets differ.
    return train_judges(
        blobs(60, seed=1)[0], blobs(50, seed=2)[1], folder=judges_folder, settings=SETTINGS
    )
