"""Source text for apps, of exactly the signatures of one bundle, in Kotlin and in Swift.

The languages are data (`templates/kotlin.toml`, `templates/swift.toml`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.card import templates
from exporters.card.templates import fill

LANGUAGES = ("kotlin", "swift")


def examples(
    records: Mapping[str, SignatureRecord], title: str, models: Sequence[str]
) -> dict[str, str]:
    """Writes a class a language with a function for each signature that apps call.

    Args:
        records: All signatures of the bundle.
        title: What the bundle is called.
        models: Its .tflite files; the first is the one that is loaded.

    Returns:
        Text by its path in the bundle.
    """
    found = {}
    for name in LANGUAGES:
        language = templates.load(name)
        found[language["path"]] = _text(language, records, title, models)
    return found


def _text(
    language: Mapping[str, Any],
    records: Mapping[str, SignatureRecord],
    title: str,
    models: Sequence[str],
) -> str:
    shown = templates.called(records)
    tensors = [tensor for record in shown.values() for tensor in (*record.inputs, *record.outputs)]
    types = [kind for kind in language["types"] if kind in {tensor.dtype for tensor in tensors}]
    names = _identifiers([templates.plain_name(*item) for item in shown.items()], language)
    functions = [_function(language, names, *item) for item in shown.items()]
    coloured = any(templates.is_image(tensor) and tensor.shape[-1] == 3 for tensor in tensors)
    images = language["images"] if coloured else ""
    return fill(
        language["file"],
        title=_in_comment(title),
        model=models[0],
        stem=models[0].removesuffix(".tflite"),
        others=f" (or {', '.join(models[1:])})" if models[1:] else "",
        functions="\n".join(functions),
        usage=_usage(language, names, *next(iter(shown.items()))),
        imports=language["image_imports"] if coloured else "",
        buffers="".join(language["types"][kind].get("import", "") for kind in types),
        helpers="".join(language["types"][kind]["helpers"] for kind in types) + images,
    )


def _function(
    language: Mapping[str, Any], names: Mapping[str, str], name: str, record: SignatureRecord
) -> str:
    parameters = _identifiers([tensor.name for tensor in record.inputs], language)
    given = [_values(language, tensor, parameters[tensor.name]) for tensor in record.inputs]
    results = [_values(language, tensor, "") for tensor in record.outputs]
    documented = [fill(language["documented_input"], **values) for values in given] + [
        fill(language["documented_output"], **values) for values in results
    ]
    return fill(
        language["function"],
        signature=name,
        function=names[templates.plain_name(name, record)],
        documented="".join(documented),
        parameters=", ".join(_parameter(language, each) for each in given),
        fed="".join(fill(language["fed"], **values) for values in given),
        allocated="".join(fill(language["allocated"], **values) for values in results),
        **_returned(language, results),
    )


def _usage(
    language: Mapping[str, Any], names: Mapping[str, str], name: str, record: SignatureRecord
) -> str:
    """A call of a function, with defaults in place of what has some."""
    parameters = _identifiers([tensor.name for tensor in record.inputs], language)
    arguments = []
    for tensor in record.inputs:
        values = _values(language, tensor, parameters[tensor.name])
        value = values["default"] or values["parameter"]
        if templates.is_image(tensor) and tensor.shape[-1] == 3:
            _, height, width, _ = tensor.shape
            value = fill(language["image"], **values, height=height, width=width)
        arguments.append(fill(language["argument"], **values, value=value))
    return f"{names[templates.plain_name(name, record)]}({', '.join(arguments)})"


def _values(language: Mapping[str, Any], tensor: TensorRecord, parameter: str) -> dict[str, str]:
    kind = language["types"][tensor.dtype]
    default = templates.usual(tensor)
    numbers = [] if default is None else [f"{each}{kind['suffix']}" for each in default]
    meaning = _in_comment(templates.meaning(tensor))
    return {
        "name": tensor.name,
        "parameter": parameter,
        "dtype": tensor.dtype,
        "shape": ", ".join(map(str, tensor.shape)),
        "array": kind["array"],
        "buffer": kind.get("buffer", ""),
        "default": fill(kind["literal"], numbers=", ".join(numbers)) if numbers else "",
        "form": templates.whole_form(tensor),
        "meaning": f"; {meaning}" if meaning else "",
    }


def _parameter(language: Mapping[str, Any], values: Mapping[str, str]) -> str:
    kind = "parameter_with_default" if values["default"] else "parameter"
    return fill(language[kind], **values)


def _returned(language: Mapping[str, Any], results: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The result's type and the expression for it: an array, or arrays by name."""
    each = [fill(language["result"], **values) for values in results]
    if len(each) == 1:
        return {"type": results[0]["array"], "returned": each[0]}
    arrays = {values["array"] for values in results}
    several = language["several"]
    entries = [
        fill(several["entry"], name=values["name"], value=value)
        for values, value in zip(results, each, strict=True)
    ]
    return {
        "type": fill(several["type"], array=arrays.pop() if len(arrays) == 1 else "Any"),
        "returned": fill(several["value"], entries="".join(entries)),
    }


def _identifiers(names: Sequence[str], language: Mapping[str, Any]) -> dict[str, str]:
    """Names as the language writes them: camel case unless two would fall together."""
    camel = {name: _camel(name) for name in names}
    found = camel if len(set(camel.values())) == len(names) else {name: name for name in names}
    taken = set(language["reserved"])
    return {name: f"{each}_" if each in taken else each for name, each in found.items()}


def _in_comment(text: str) -> str:
    """Text that ends no comment and opens none, on one line."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return line.replace("/*", "/ *").replace("*/", "* /")


def _camel(name: str) -> str:
    first, *rest = [part for part in name.split("_") if part]
    return first[0].lower() + first[1:] + "".join(part[0].upper() + part[1:] for part in rest)
