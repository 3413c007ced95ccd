import pytest

from exporters.lint.device_operations import device_operations
from exporters.lint.operation_support import unsupported_reason
from exporters.tflite_graph.operators import Node, Tensor


def tensor(*shape, dtype="float32", constant=None):
    return Tensor(0, "x", shape, dtype, None if constant is None else 1, constant)


IMAGE = (1, 8, 8, 4)


def node(operation, inputs, outputs, built_in=True, **options):
    return Node(operation, built_in, tuple(inputs), tuple(outputs), options)


def concatenation(count):
    return node("CONCATENATION", [tensor(*IMAGE)] * count, [tensor(1, 8, 8, 4 * count)])


def sliced(steps, **masks):
    inputs = [tensor(*IMAGE), *[tensor(4, dtype="int32", constant=(0, 0, 0, 0))] * 2]
    return node(
        "STRIDED_SLICE",
        [*inputs, tensor(4, dtype="int32", constant=steps)],
        [tensor(1, 4, 8, 4)],
        **{"ellipsisMask": 0, "newAxisMask": 0, "shrinkAxisMask": 0, **masks},
    )


@pytest.mark.parametrize(
    ("target", "made", "reason"),
    [
        ("xnnpack", concatenation(5), None),
        ("xnnpack", concatenation(6), "takes CONCATENATION of at most 5 tensors, here are 6"),
        ("gpu", concatenation(6), None),
        ("xnnpack", sliced((1, 1, 1, 1)), None),
        ("xnnpack", sliced((1, 2, 1, 1)), "in steps of 1 only, here are [1, 2, 1, 1]"),
        ("gpu", sliced((1, 2, 1, 1)), None),
        ("gpu", sliced((1, 1, 1, 1), shrinkAxisMask=1), "with shrinkAxisMask = 1"),
        ("xnnpack", node("MIRROR_PAD", [tensor(*IMAGE)], [tensor(*IMAGE)]), "has no MIRROR_PAD"),
        ("gpu", node("MIRROR_PAD", [tensor(*IMAGE)], [tensor(*IMAGE)], mode=0), None),
        ("gpu", node("MIRROR_PAD", [tensor(*IMAGE)], [tensor(*IMAGE)], mode=1), "mode = 1"),
        (
            "gpu",
            node("MUL", [tensor(1, 2, 3, 4, 5)] * 2, [tensor(1, 2, 3, 4, 5)]),
            "at most 4 axes",
        ),
        ("xnnpack", node("MUL", [tensor(1, 2, 3, 4, 5)] * 2, [tensor(1, 2, 3, 4, 5)]), None),
        ("xnnpack", node("TANH", [tensor(4, dtype="int16")], [tensor(4, dtype="int16")]), "int16"),
        ("gpu", node("FlexErf", [tensor(4)], [tensor(4)], built_in=False), "has no FlexErf"),
        (
            "xnnpack",
            node("CONV_2D", [tensor(*IMAGE), tensor(4, 3, 3, 4), None], [tensor(*IMAGE)]),
            "only if its input 1 is constant",
        ),
    ],
)
def test_reasons_why_a_device_does_not_run_an_operation(target, made, reason):
    found = unsupported_reason(made, device_operations().targets[target])
    assert (found is None) if reason is None else (reason in found)


def test_every_target_names_its_source():
    for name, target in device_operations().targets.items():
        assert len(target.source) > 40, name
        assert target.operations, name


def test_targets_and_suggestions_name_existing_operations():
    from ai_edge_litert import schema_py_generated as schema

    known = set(vars(schema.BuiltinOperator))
    for target in device_operations().targets.values():
        assert set(target.operations) <= known
    assert set(device_operations().suggestions) <= known


def test_a_browser_runs_what_xnnpack_runs():
    targets = device_operations().targets
    assert targets["litertjs"].operations == targets["xnnpack"].operations
    assert targets["litertjs"].interface_types == ("float32", "int32", "uint8")
