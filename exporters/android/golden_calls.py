"""The part of GoldenTest.kt that calls the function of each signature."""

from collections.abc import Mapping

from exporters.bundle.manifest import SignatureRecord
from exporters.card import template_files
from exporters.card.app_example import function_names

_READERS = {
    "uint8": "    private fun bytes(case: JSONObject, name: String): ByteArray "
    "= input(case, name).array()\n\n",
    "float32": "    private fun floats(case: JSONObject, name: String): FloatArray {\n"
    "        val values = input(case, name).asFloatBuffer()\n"
    "        return FloatArray(values.remaining()) { values.get(it) }\n    }\n\n",
    "int32": "    private fun ints(case: JSONObject, name: String): IntArray {\n"
    "        val values = input(case, name).asIntBuffer()\n"
    "        return IntArray(values.remaining()) { values.get(it) }\n    }\n\n",
}
_FUNCTIONS = {"uint8": "bytes", "float32": "floats", "int32": "ints"}


def calls(shown: Mapping[str, SignatureRecord]) -> str:
    """A branch of Kotlin's `when` for each signature."""
    functions = function_names(template_files.load("kotlin"), shown)
    lines = []
    for name, record in shown.items():
        arguments = [
            f'{_FUNCTIONS[tensor.dtype]}(case, "{tensor.name}")' for tensor in record.inputs
        ]
        call = f"translator.{functions[name]}({', '.join(arguments)})"
        if len(record.outputs) == 1:
            call = f'mapOf("{record.outputs[0].name}" to {call})'
        lines.append(f'            "{name}" -> {call}\n')
    return "".join(lines)


def readers(shown: Mapping[str, SignatureRecord]) -> str:
    """Functions that read inputs, of the types that there are."""
    used = {tensor.dtype for record in shown.values() for tensor in record.inputs}
    return "".join(text for kind, text in _READERS.items() if kind in used)
