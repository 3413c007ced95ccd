"""Whether a device runs an operation on its fast path, and if not, why."""

import math
from collections.abc import Iterator

from exporters.lint.device_operations import Rule, Target
from exporters.tflite_graph.operators import Node, Tensor


def unsupported_reason(node: Node, target: Target) -> str | None:
    """A short text on why `target` does not run an operation, or None if it does."""
    rule = target.operations.get(node.operation)
    if rule is None or not node.built_in:
        return f"has no {node.operation}"
    return next(_reasons(node, rule, target), None)


def _reasons(node: Node, rule: Rule, target: Target) -> Iterator[str]:
    name, inputs = node.operation, list(node.present_inputs)
    data = next((tensor for tensor in inputs if tensor.buffer is None), None)
    if rule.max_inputs is not None and len(inputs) > rule.max_inputs:
        yield f"takes {name} of at most {rule.max_inputs} tensors, here are {len(inputs)}"
    if rule.max_outputs is not None and len(node.outputs) > rule.max_outputs:
        yield f"takes {name} into at most {rule.max_outputs} parts, here are {len(node.outputs)}"
    types = rule.types or target.types
    for tensor in (*((data,) if data else ()), *node.outputs):
        if tensor.dtype not in types:
            yield f"has no {name} of {tensor.dtype}"
        if len(tensor.shape) > target.max_rank:
            yield f"takes at most {target.max_rank} axes, here are {len(tensor.shape)}"
    if rule.ranks is not None and data and len(data.shape) not in rule.ranks:
        allowed = " or ".join(map(str, rule.ranks))
        yield f"takes {name} of {allowed} axes, here are {len(data.shape)}"
    for index in rule.constants:
        argument = _input(node, index)
        if argument is not None and argument.buffer is None:
            yield f"takes {name} only if its input {index} is constant"
    if rule.ones is not None:
        steps = _input(node, rule.ones)
        if steps is not None and steps.values is not None and set(steps.values) != {1}:
            yield f"takes {name} in steps of 1 only, here are {list(steps.values)}"
    yield from _scale_reasons(node, rule)
    for option, allowed_values in rule.options.items():
        if node.options.get(option, allowed_values[0]) not in allowed_values:
            yield f"has no {name} with {option} = {node.options[option]}"


def _scale_reasons(node: Node, rule: Rule) -> Iterator[str]:
    scales = [tensor.scale for tensor in node.present_inputs if tensor.scale]
    result = node.outputs[0].scale if node.outputs else None
    if not result or not scales or node.outputs[0].dtype not in ("int8", "uint8"):
        return
    for limits, products in ((rule.scales, scales), (rule.scale_product, [math.prod(scales)])):
        for scale in products:
            if limits is not None and not limits[0] <= scale / result < limits[1]:
                yield (
                    f"takes quantized {node.operation} with input scales of {limits[0]:.2g} to "
                    f"{limits[1]:.3g} times the output's, here {scale / result:.2g} times"
                )


def _input(node: Node, index: int) -> Tensor | None:
    return node.inputs[index] if index < len(node.inputs) else None
