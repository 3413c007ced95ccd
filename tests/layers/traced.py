"""The operations of traced functions."""


def operations_of(traced) -> list[str]:
    """Types of the operations of a traced function and of all that it calls, once each."""
    graph = traced.graph.as_graph_def()
    bodies = [graph.node, *(each.node_def for each in graph.library.function)]
    return [node.op for body in bodies for node in body]
