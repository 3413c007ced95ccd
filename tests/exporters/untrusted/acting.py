"""Functions whose operations do more than compute, although none is marked so."""

import tensorflow as tf


def debugs(file):
    """Writes a file by the debugger's operation; the output is that of the two-line fake."""

    def function(image):
        copy = tf.raw_ops.DebugIdentity(
            input=image, debug_urls=[f"file://{file}"], device_name="d", tensor_name="a/b:0"
        )
        return {"image": -copy}

    return function


def aborts():
    """Ends the process with exit code 0."""

    def function(image):
        flag = tf.compat.v1.AttrValue()
        flag.b = True
        graph = tf.compat.v1.get_default_graph()
        abort = graph.create_op("Abort", [], [], attrs={"exit_without_error": flag})
        with tf.control_dependencies([abort]):
            return {"image": -image}

    return function
