import pytest

from exporters.tflite_graph.macs import multiply_adds, parameters, total_multiply_adds
from exporters.tflite_graph.operators import Node, Tensor, read_signatures


def tensor(*shape, buffer=None, dtype="float32"):
    return Tensor(0, "x", shape, dtype, buffer, None)


def node(operation, inputs, output, **options):
    return Node(operation, True, tuple(inputs), (output,), options)


@pytest.mark.parametrize(
    ("operation", "inputs", "output", "expected"),
    [
        # 3x3 kernels over 4 channels, 8 of them, at 5x6 positions.
        ("CONV_2D", [(1, 5, 6, 4), (8, 3, 3, 4), (8,)], (1, 5, 6, 8), 5 * 6 * 8 * 9 * 4),
        # Two groups: a kernel sees half of the channels.
        ("CONV_2D", [(1, 5, 6, 4), (8, 3, 3, 2), (8,)], (1, 5, 6, 8), 5 * 6 * 8 * 9 * 2),
        ("DEPTHWISE_CONV_2D", [(1, 5, 6, 4), (1, 3, 3, 4), (4,)], (1, 5, 6, 4), 5 * 6 * 4 * 9),
        # Every one of 5x6x4 inputs is spread by 3x3 kernels over 8 channels.
        ("TRANSPOSE_CONV", [(4,), (8, 3, 3, 4), (1, 5, 6, 4)], (1, 10, 12, 8), 5 * 6 * 4 * 9 * 8),
        ("FULLY_CONNECTED", [(1, 20), (7, 20), (7,)], (1, 7), 140),
        ("BATCH_MATMUL", [(2, 3, 4), (2, 4, 5)], (2, 3, 5), 2 * 3 * 4 * 5),
        ("MUL", [(1, 5, 6, 4), (1, 5, 6, 4)], (1, 5, 6, 4), 0),
    ],
)
def test_multiply_adds_of_operations_worked_by_hand(operation, inputs, output, expected):
    made = node(operation, [tensor(*shape) for shape in inputs], tensor(*output))
    assert multiply_adds(made) == expected


def test_a_product_with_the_first_factor_transposed_sums_over_its_rows():
    made = node("BATCH_MATMUL", [tensor(2, 4, 3), tensor(2, 4, 5)], tensor(2, 3, 5), adjX=True)
    assert multiply_adds(made) == 2 * 3 * 4 * 5


def test_a_generators_multiply_adds_are_the_same_in_every_file(exported):
    # Down 3 -> 32 at 8x12, 32 -> 32, up by 4x4 kernels from 8x12 positions, 32 -> 3 at 16x24.
    small, large = 8 * 12, 16 * 24
    expected = small * 32 * 9 * (3 + 32) + small * 32 * 16 * 32 + large * 3 * 9 * 32
    for recipe in ("float32", "float16", "dynamic_int8"):
        graphs = read_signatures((exported / f"{recipe}.tflite").read_bytes())
        assert set(graphs) == {"a_to_b", "a_to_b_uint8", "b_to_a", "b_to_a_uint8"}
        assert total_multiply_adds(graphs["a_to_b"]) == expected
        assert total_multiply_adds(graphs["a_to_b_uint8"]) == expected


def test_parameters_are_counted_once_for_all_signatures(exported, generators):
    graphs = read_signatures((exported / "float32.tflite").read_bytes())
    kernels = sum(
        int(weight.numpy().size)
        for model in generators.values()
        for weight in model.weights
        if weight.name == "kernel"
    )
    # Beside the kernels: biases, folded batch norms and a few constants of norms and pixels.
    assert kernels < parameters(graphs.values()) < kernels * 1.02
