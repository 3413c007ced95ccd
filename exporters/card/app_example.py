"""Source code for apps that calls the signatures of one bundle, in Kotlin and in Swift.

Each language is a file of templates (`templates/kotlin.toml`, `templates/swift.toml`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.card import template_files, tensor_text
from exporters.card.template_files import fill

LANGUAGES = ("kotlin", "swift")


def examples(
    records: Mapping[str, SignatureRecord], title: str, models: Sequence[str], aspect: Aspect
) -> dict[str, str]:
    """Writes one class per language with a function for each signature that apps call.

    Args:
        records: All signatures of the bundle.
        title: The bundle's title.
        models: Its .tflite files; the example loads the first one.
        aspect: How the example brings images to the size of the model, and results back.

    Returns:
        Source code by its path in the bundle.
    """
    sources = {}
    for name in LANGUAGES:
        language = template_files.load(name)
        sources[language["path"]] = _text(language, records, title, models, aspect)
    return sources


def _text(
    language: Mapping[str, Any],
    records: Mapping[str, SignatureRecord],
    title: str,
    models: Sequence[str],
    aspect: Aspect,
) -> str:
    shown = tensor_text.app_signatures(records)
    tensors = [tensor for record in shown.values() for tensor in (*record.inputs, *record.outputs)]
    types = [kind for kind in language["types"] if kind in {tensor.dtype for tensor in tensors}]
    names = _identifiers([tensor_text.display_name(*item) for item in shown.items()], language)
    functions = [_function(language, names, *item) for item in shown.items()]
    coloured = any(_is_coloured(tensor) for tensor in tensors)
    mapped = any(_is_coloured(each) and each.interpolation == "nearest" for each in tensors)
    label_maps = language["label_maps"]["present" if mapped else "absent"]
    places = language["aspects"][aspect]
    images = fill(language["images"], **places, **label_maps) if coloured else ""
    return fill(
        language["file"],
        title=_in_comment(title),
        model=models[0],
        stem=models[0].removesuffix(".tflite"),
        others=f" (or {', '.join(models[1:])})" if models[1:] else "",
        functions="\n".join(functions),
        usage=_usage(language, names, *next(iter(shown.items()))),
        back=_back(language, next(iter(shown.values()))),
        imports=language["image_imports"] if coloured else "",
        buffers="".join(language["types"][kind].get("import", "") for kind in types),
        helpers="".join(language["types"][kind]["helpers"] for kind in types) + images,
    )


def _function(
    language: Mapping[str, Any], names: Mapping[str, str], name: str, record: SignatureRecord
) -> str:
    parameters = _identifiers([tensor.name for tensor in record.inputs], language)
    arguments = [_values(language, tensor, parameters[tensor.name]) for tensor in record.inputs]
    results = [_values(language, tensor, "") for tensor in record.outputs]
    documented = [fill(language["documented_input"], **values) for values in arguments] + [
        fill(language["documented_output"], **values) for values in results
    ]
    return fill(
        language["function"],
        signature=name,
        function=names[tensor_text.display_name(name, record)],
        documented="".join(documented),
        parameters=", ".join(_parameter(language, each) for each in arguments),
        passed="".join(fill(language["passed"], **values) for values in arguments),
        allocated="".join(fill(language["allocated"], **values) for values in results),
        **_return_value(language, results),
    )


def _usage(
    language: Mapping[str, Any], names: Mapping[str, str], name: str, record: SignatureRecord
) -> str:
    """A call of a function, with the default of every input that has one."""
    parameters = _identifiers([tensor.name for tensor in record.inputs], language)
    arguments = []
    for tensor in record.inputs:
        values = _values(language, tensor, parameters[tensor.name])
        value = values["default"] or values["parameter"]
        if _is_coloured(tensor):
            _, height, width, _ = tensor.shape
            nearest = _nearest(language, tensor)
            value = fill(language["image"], **values, height=height, width=width, nearest=nearest)
        arguments.append(fill(language["argument"], **values, value=value))
    return f"{names[tensor_text.display_name(name, record)]}({', '.join(arguments)})"


def _back(language: Mapping[str, Any], record: SignatureRecord) -> str:
    """A line that turns the result into an image, if it is the only one and in colour."""
    images = [tensor for tensor in record.inputs if _is_coloured(tensor)]
    if len(record.outputs) > 1 or not images or not _is_coloured(record.outputs[0]):
        return ""
    _, height, width, _ = record.outputs[0].shape
    parameter = _identifiers([tensor.name for tensor in record.inputs], language)[images[0].name]
    nearest = _nearest(language, record.outputs[0])
    return fill(language["back"], height=height, width=width, parameter=parameter, nearest=nearest)


def _nearest(language: Mapping[str, Any], tensor: TensorRecord) -> str:
    """The argument that a call of the functions for images needs for a label map."""
    return language["nearest"] if tensor.interpolation == "nearest" else ""


def _is_coloured(tensor: TensorRecord) -> bool:
    return tensor_text.is_image(tensor) and tensor.shape[-1] == 3


def _values(language: Mapping[str, Any], tensor: TensorRecord, parameter: str) -> dict[str, str]:
    kind = language["types"][tensor.dtype]
    default = tensor_text.default_texts(tensor)
    literals = [] if default is None else [f"{each}{kind['suffix']}" for each in default]
    meaning = _in_comment(tensor_text.meaning(tensor))
    return {
        "name": tensor.name,
        "parameter": parameter,
        "dtype": tensor.dtype,
        "shape": ", ".join(map(str, tensor.shape)),
        "array": kind["array"],
        "buffer": kind.get("buffer", ""),
        "default": fill(kind["literal"], values=", ".join(literals)) if literals else "",
        "form": tensor_text.type_shape_and_range(tensor),
        "meaning": f"; {meaning}" if meaning else "",
    }


def _parameter(language: Mapping[str, Any], values: Mapping[str, str]) -> str:
    kind = "parameter_with_default" if values["default"] else "parameter"
    return fill(language[kind], **values)


def _return_value(
    language: Mapping[str, Any], results: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """The type and expression of the return value: an array, or arrays by name."""
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
    """Identifiers for names: in camel case, unless two of them would then be equal."""
    camel = {name: _camel(name) for name in names}
    unique = len(set(camel.values())) == len(names)
    identifiers = camel if unique else {name: name for name in names}
    reserved = set(language["reserved"])
    return {name: f"{each}_" if each in reserved else each for name, each in identifiers.items()}


def _in_comment(text: str) -> str:
    """The text on one line, without the marks that open or close a comment."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return line.replace("/*", "/ *").replace("*/", "* /")


def _camel(name: str) -> str:
    first, *rest = [part for part in name.split("_") if part]
    return first[0].lower() + first[1:] + "".join(part[0].upper() + part[1:] for part in rest)
