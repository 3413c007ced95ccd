"""Whether a device runs an operation on its fast path, and if not, why."""

import math
from collections.abc import Iterator

from exporters.lint.tables import Rule, Target
from exporters.tflite_graph.operators import Node, Tensor


def reason_against(node: Node, target: Target) -> str | None:
    """Says in a few words why `target` does not run an operation, or None where it does."""
    rule = target.operations.get(node.operation)
    if rule is None or not node.built_in:
        return f"has no {node.operation}"
    return next(_reasons(node, rule, target), None)


def _reasons(node: Node, rule: Rule, target: Target) -> Iterator[str]:
    name, given = node.operation, list(node.given)
    data = next((tensor for tensor in given if tensor.buffer is None), None)
    if rule.most_inputs is not None and len(given) > rule.most_inputs:
        yield f"takes {name} of at most {rule.most_inputs} tensors, here are {len(given)}"
    if rule.most_outputs is not None and len(node.outputs) > rule.most_outputs:
        yield f"takes {name} into at most {rule.most_outputs} parts, here are {len(node.outputs)}"
    types = rule.types or target.types
    for tensor in (*((data,) if data else ()), *node.outputs):
        if tensor.dtype not in types:
            yield f"has no {name} of {tensor.dtype}"
        if len(tensor.shape) > target.most_ranks:
            yield f"takes at most {target.most_ranks} axes, here are {len(tensor.shape)}"
    if rule.ranks is not None and data and len(data.shape) not in rule.ranks:
        allowed = " or ".join(map(str, rule.ranks))
        yield f"takes {name} of {allowed} axes, here are {len(data.shape)}"
    for place in rule.constants:
        tensor_in = _at(node, place)
        if tensor_in is not None and tensor_in.buffer is None:
            yield f"takes {name} only if its input {place} is constant"
    if rule.ones is not None:
        steps = _at(node, rule.ones)
        if steps is not None and steps.values is not None and set(steps.values) != {1}:
            yield f"takes {name} in steps of 1 only, here are {list(steps.values)}"
    yield from _reasons_of_scales(node, rule)
    for option, allowed_values in rule.options.items():
        if node.options.get(option, allowed_values[0]) not in allowed_values:
            yield f"has no {name} with {option} = {node.options[option]}"


def _reasons_of_scales(node: Node, rule: Rule) -> Iterator[str]:
    scales = [tensor.scale for tensor in node.given if tensor.scale]
    result = node.outputs[0].scale if node.outputs else None
    if not result or not scales or node.outputs[0].dtype not in ("int8", "uint8"):
        return
    for limits, steps in ((rule.scales, scales), (rule.scale_product, [math.prod(scales)])):
        for step in steps:
            if limits is not None and not limits[0] <= step / result < limits[1]:
                yield (
                    f"takes {node.operation} of whole numbers whose steps are {limits[0]:.2g} to "
                    f"{limits[1]:.3g} times the result's, here {step / result:.2g} times"
                )


def _at(node: Node, place: int) -> Tensor | None:
    return node.inputs[place] if place < len(node.inputs) else None
