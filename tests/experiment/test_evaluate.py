"""Translation of a whole set, with and without exemplars."""

from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from tests.core.toy import Toy, scale
from tests.data.image_files import config
from tf_translate.errors import DataError
from tf_translate.experiment.eval_sets.directions import translate
from tf_translate.experiment.evaluate import evaluate
from tf_translate.experiment.load_run import golden_images
from tf_translate.methods.genegan import GeneGAN, GeneGANSettings

SHAPE = (16, 16, 3)


def _images(count, seed, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def _genegan():
    settings = GeneGANSettings(base_filters=2, discriminator_filters=2, norm="instance_affine")
    return GeneGAN.from_settings(settings, SHAPE, SHAPE)


def test_every_image_is_translated_in_order_for_any_size_of_the_other_domain():
    images = {"a": _images(35, 0, (1, 1, 1)), "b": _images(3, 1, (1, 1, 1))}
    outputs = translate(Toy(scale(3.0, "g"), scale(5.0, "c")), "a_to_b", images)
    np.testing.assert_allclose(outputs, 3 * images["a"], rtol=1e-6)


def test_genegan_removes_objects_and_adds_those_of_exemplars_half_a_set_apart():
    model = _genegan()
    images = {"a": _images(4, 0), "b": _images(5, 1)}
    removed = translate(model, "a_to_b", images)
    np.testing.assert_allclose(removed, model(images["a"]), atol=1e-6)
    exemplars = images["a"][[2, 3, 0, 1, 2]]
    swapped = model.signatures()["swap"].function(image=images["b"], exemplar=exemplars)
    added = translate(model, "b_to_a", images)
    np.testing.assert_allclose(added, swapped["image"], atol=1e-6)
    assert np.abs(added - np.asarray(swapped["image"])[::-1]).max() > 1e-3


def test_golden_images_cover_every_input_of_every_signature():
    a, b = _images(4, 0), _images(3, 1)
    kept = SimpleNamespace(held_out={"a": a, "b": b})
    model = _genegan()
    golden = golden_images(SimpleNamespace(kept=kept, translator=model), 4)
    assert set(golden) == set(model.signatures())
    for name, signature in model.signatures().items():
        for spec in signature.inputs:
            values = golden[name][spec.name]
            assert values.shape == (3, *spec.shape[1:])
            assert values.dtype == spec.dtype


@pytest.mark.parametrize("holdout", ["none", "auto"])
def test_a_run_that_trained_on_all_images_is_not_evaluated(holdout):
    settings = SimpleNamespace(data=config("faces.csv", holdout=holdout), evaluation=None)
    run, data = SimpleNamespace(path="runs/genegan"), SimpleNamespace(splits={"train": None})
    trained = SimpleNamespace(config=settings, run=run, data=data)
    with pytest.raises(DataError) as raised:
        evaluate(trained, Console())
    assert str(raised.value).startswith(
        f"runs/genegan was trained on all images of faces.csv (data.holdout = {holdout!r}, "
    )
