import json
import shutil

import numpy as np
import pytest

import exporters
from tests.exporters.fakes import dim, edit, generator, negative, noise, of_model, swap

ALL_RECIPES = ("float32", "float16", "dynamic_int8")


@pytest.fixture(scope="session")
def generators():
    return {"a_to_b": generator(1), "b_to_a": generator(2, resize=True)}


@pytest.fixture(scope="session")
def exported(generators, tmp_path_factory):
    """Two real generators with every recipe, with three golden images for one of them."""
    return exporters.export(
        {name: of_model(name, model) for name, model in generators.items()},
        tmp_path_factory.mktemp("exported") / "bundle",
        recipes=ALL_RECIPES,
        golden_images={"a_to_b": {"image": noise(3, 16, 24, 3)}},
        source={"run": "runs/one", "step": 7},
        provenance={"data": "made up", "license": "CC0"},
        seed=3,
    )


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The two-line fake as float32; read only."""
    return exporters.export({"a_to_b": negative()}, tmp_path_factory.mktemp("small") / "bundle")


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """Signatures with attributes, a strength or an exemplar in addition to the image."""
    return exporters.export(
        {fake.name: fake for fake in (edit(), dim(), swap())},
        tmp_path_factory.mktemp("many") / "bundle",
        recipes=ALL_RECIPES,
        golden_images={
            "edit": {"attributes": np.float32([[1, 0, 1], [0, 1, 0]])},
            "swap": {"exemplar": noise(3, 6, 6, 3)},
        },
    )


@pytest.fixture
def copy(small, tmp_path):
    """A bundle of the two-line fake that a test may change."""
    return shutil.copytree(small, tmp_path / "copy")


@pytest.fixture
def edit_manifest():
    """Applies a change to a bundle's manifest as text editors would, digest left alone."""

    def edit(bundle, change):
        file = bundle / "manifest.json"
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))

    return edit
