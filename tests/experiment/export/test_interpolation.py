from tf_translate.config.data import DataConfig
from tf_translate.core.signature import Signature, TensorSpec, attribute_spec, image_spec
from tf_translate.experiment.export.interpolation import with_interpolation

LABELS_A = DataConfig(path="x", interpolation_a="nearest")


def _signature(name, *inputs):
    image = image_spec((8, 8, 3))
    return Signature(name, lambda image: {"image": image}, (image, *inputs), (image,))


def _recorded(signature, config):
    changed = with_interpolation({signature.name: signature}, config)[signature.name]
    return [tensor.interpolation for tensor in (*changed.inputs, *changed.outputs)]


def test_each_direction_has_the_interpolation_of_its_domains():
    assert _recorded(_signature("a_to_b"), LABELS_A) == ["nearest", "bicubic"]
    assert _recorded(_signature("b_to_a"), LABELS_A) == ["bicubic", "nearest"]
    assert _recorded(_signature("a_to_b_with_statistics"), LABELS_A) == ["nearest", "bicubic"]


def test_one_set_of_images_is_a():
    assert _recorded(_signature("edit"), LABELS_A) == ["nearest", "nearest"]
    config = DataConfig(path="x", interpolation_b="nearest")
    assert _recorded(_signature("edit"), config) == ["bicubic", "bicubic"]


def test_only_images_are_resized():
    mask = TensorSpec("mask", (None, 8, 8, 1), value_range=(0.0, 1.0))
    signature = _signature("edit", attribute_spec(["glasses"]), mask)
    assert _recorded(signature, LABELS_A) == ["nearest", "bicubic", "bicubic", "nearest"]
