"""Translating a whole set, with and without exemplars."""

from types import SimpleNamespace

import numpy as np

from tests.core.toy import Toy, scale
from tf_translate.experiment.eval_sets.directions import translate
from tf_translate.experiment.load_run import golden_images
from tf_translate.methods.genegan import GeneGAN, GeneGANSettings

SHAPE = (16, 16, 3)


def _images(count, seed, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def _genegan():
    settings = GeneGANSettings(base_filters=2, discriminator_filters=2, norm="instance_affine")
    return GeneGAN.from_settings(settings, SHAPE, SHAPE)


def test_every_image_is_translated_in_order_whatever_the_other_domain_holds():
    images = {"a": _images(35, 0, (1, 1, 1)), "b": _images(3, 1, (1, 1, 1))}
    outputs = translate(Toy(scale(3.0, "g"), scale(5.0, "c")), "a_to_b", images)
    np.testing.assert_allclose(outputs, 3 * images["a"], rtol=1e-6)


def test_objects_are_removed_one_way_and_those_half_a_set_further_on_put_on_the_other():
    model = _genegan()
    images = {"a": _images(4, 0), "b": _images(5, 1)}
    removed = translate(model, "a_to_b", images)
    np.testing.assert_allclose(removed, model(images["a"]), atol=1e-6)
    exemplars = images["a"][[2, 3, 0, 1, 2]]
    swapped = model.signatures()["swap"].function(image=images["b"], exemplar=exemplars)
    put_on = translate(model, "b_to_a", images)
    np.testing.assert_allclose(put_on, swapped["image"], atol=1e-6)
    assert np.abs(put_on - np.asarray(swapped["image"])[::-1]).max() > 1e-3


def test_golden_images_are_given_for_every_input_of_every_signature():
    a, b = _images(4, 0), _images(3, 1)
    data = SimpleNamespace(
        splits={"test": None}, arrays=lambda split, limit: (a[:limit], b[:limit])
    )
    model = _genegan()
    golden = golden_images(SimpleNamespace(data=data, translator=model), 4)
    assert set(golden) == set(model.signatures())
    for name, signature in model.signatures().items():
        for spec in signature.inputs:
            given = golden[name][spec.name]
            assert given.shape == (3, *spec.shape[1:])
            assert given.dtype == spec.dtype
