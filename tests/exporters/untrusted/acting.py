"""Functions whose operations do more than compute, although none is marked so."""

import tensorflow as tf


def debugs(file):
    """Writes a file by the debugger's operation."""
    urls = tf.compat.v1.AttrValue()
    urls.list.s.append(f"file://{file}".encode())
    return _acting("DebugIdentity", debug_urls=urls)


def aborts():
    """Ends the process with exit code 0."""
    flag = tf.compat.v1.AttrValue()
    flag.b = True
    return _acting("Abort", exit_without_error=flag)


def _acting(operation, **attributes):
    """A function that waits for an operation, which no function of Python creates."""

    def function(image):
        graph = tf.compat.v1.get_default_graph()
        inputs = [image] if operation == "DebugIdentity" else []
        types = [tf.float32] if operation == "DebugIdentity" else []
        action = graph.create_op(operation, inputs, types, attrs=attributes)
        with tf.control_dependencies([action]):
            return {"image": tf.identity(image)}

    return function
