"""Source code for apps that calls the signatures of one bundle, in Kotlin and in Swift.

Each language is a file of templates (`templates/kotlin.toml`, `templates/swift.toml`).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.card import template_files, tensor_text
from exporters.card.template_files import fill

LANGUAGES = ("kotlin", "swift")
_EMPTY: Mapping[str, str] = MappingProxyType({})


def examples(
    records: Mapping[str, SignatureRecord],
    title: str,
    models: Sequence[str],
    aspect: Aspect,
    *,
    domains: Mapping[str, str] = _EMPTY,
    model_version: str = "",
) -> dict[str, str]:
    """Writes one class per language with a function for each signature that apps call.

    Bundles with colour images get a second file per language, which brings images to the size of
    the model and results back.

    Args:
        records: All signatures of the bundle.
        title: The bundle's title.
        models: Its .tflite files; the example loads the first one.
        aspect: How the example brings images to the size of the model, and results back.
        domains: What the domains show, such as `{"a": "horses", "b": "zebras"}`.
        model_version: The version of the model; empty if it has none.

    Returns:
        Source code by its path in the bundle.
    """
    sources = {}
    for name in LANGUAGES:
        language = template_files.load(name)
        shown = tensor_text.app_signatures(records)
        values = {"title": _in_comment(title), **language["versions"]}
        sources[language["path"]] = fill(
            language["file"],
            **values,
            **_models(models),
            **_version(language, model_version),
            **_call(language, records),
            **_functions(language, records, domains),
        )
        tensors = [each for record in shown.values() for each in (*record.inputs, *record.outputs)]
        if coloured := [each for each in tensors if tensor_text.is_colour_image(each)]:
            mapped = any(each.interpolation == "nearest" for each in coloured)
            label_maps = language["label_maps"]["present" if mapped else "absent"]
            sources[language["images_path"]] = fill(
                language["images"], **values, **language["aspects"][aspect], **label_maps
            )
    return sources


def has_colour_images(records: Mapping[str, SignatureRecord]) -> bool:
    """Whether apps pass or get colour images, so that there are files with functions for them."""
    shown = tensor_text.app_signatures(records).values()
    tensors = [each for record in shown for each in (*record.inputs, *record.outputs)]
    return any(map(tensor_text.is_colour_image, tensors))


def _models(models: Sequence[str]) -> dict[str, str]:
    return {
        "model": models[0],
        "stem": models[0].removesuffix(".tflite"),
        "others": f" (or {', '.join(models[1:])})" if models[1:] else "",
    }


def _version(language: Mapping[str, Any], model_version: str) -> dict[str, str]:
    """A comment and a text constant with the version of the model."""
    comment = fill(language["version"], model_version=_in_comment(model_version))
    literal = _in_comment(model_version).replace("\\", "").replace('"', "").replace("$", "")
    return {"version": comment if model_version else "", "model_version": literal}


def _call(language: Mapping[str, Any], records: Mapping[str, SignatureRecord]) -> dict[str, str]:
    """The comment that calls the first function, and what it needs for images."""
    shown = tensor_text.app_signatures(records)
    name, record = next(iter(shown.items()))
    parameters = argument_names(language, record)
    coloured = [
        parameters[each.name] for each in record.inputs if tensor_text.is_colour_image(each)
    ]
    needed = fill(language["image_dependencies"], **language["versions"])
    return {
        "usage": usage(language, function_names(language, shown)[name], record, parameters),
        "back": _back(language, record),
        "read": "".join(fill(language["read"], parameter=each) for each in coloured[:1]),
        "beside": language["beside"] if has_colour_images(records) else "",
        "image_dependencies": needed if has_colour_images(records) else "",
    }


def _functions(
    language: Mapping[str, Any],
    records: Mapping[str, SignatureRecord],
    domains: Mapping[str, str],
) -> dict[str, str]:
    """A function for each signature, and the helpers for the types of their tensors."""
    shown = tensor_text.app_signatures(records)
    names = function_names(language, shown)
    used = {each.dtype for one in shown.values() for each in (*one.inputs, *one.outputs)}
    kinds = [kind for kind in language["types"] if kind in used]
    functions = [
        _function(language, names, item, records, tensor_text.direction_words(item[0], domains))
        for item in shown.items()
    ]
    return {
        "functions": "\n".join(each.rstrip("\n") + "\n" for each in functions),
        "helpers": "".join(language["types"][kind]["helpers"] for kind in kinds),
    }


def _function(
    language: Mapping[str, Any],
    names: Mapping[str, str],
    signature: tuple[str, SignatureRecord],
    records: Mapping[str, SignatureRecord],
    words: str,
) -> str:
    name, record = signature
    wrapped = records[record.pixels_of] if record.pixels_of else None
    parameters = argument_names(language, record)
    arguments = [
        _values(language, tensor, parameters[tensor.name], wrapped.inputs if wrapped else ())
        for tensor in record.inputs
    ]
    results = [
        _values(language, tensor, "", wrapped.outputs if wrapped else ())
        for tensor in record.outputs
    ]
    documented = [fill(language["documented_input"], **values) for values in arguments] + [
        fill(language["documented_output"], **values) for values in results
    ]
    return fill(
        language["function"],
        signature=name,
        words=f": {_in_comment(words)}" if words else "",
        function=names[name],
        documented="".join(documented),
        parameters=", ".join(_parameter(language, each) for each in arguments),
        passed="".join(fill(language["passed"], **values) for values in arguments),
        allocated="".join(fill(language["allocated"], **values) for values in results),
        float_signature=_float_signature(language, records, record.pixels_of or name),
        **_return_value(language, results),
    )


def _float_signature(
    language: Mapping[str, Any], records: Mapping[str, SignatureRecord], name: str
) -> str:
    """The signature that a GPU runs, by its name; none if it has tensors of uint8 itself."""
    record = records[name]
    if any(tensor.dtype == "uint8" for tensor in (*record.inputs, *record.outputs)):
        return str(language["no_float_signature"])
    return fill(language["float_signature"], name=name)


def function_names(
    language: Mapping[str, Any], shown: Mapping[str, SignatureRecord]
) -> dict[str, str]:
    """The name of the function of each signature."""
    display = {name: tensor_text.display_name(name, record) for name, record in shown.items()}
    identifiers = _identifiers(list(display.values()), language)
    return {name: identifiers[each] for name, each in display.items()}


def argument_names(language: Mapping[str, Any], record: SignatureRecord) -> dict[str, str]:
    """The name of the parameter of each input."""
    return _identifiers([tensor.name for tensor in record.inputs], language)


def usage(
    language: Mapping[str, Any],
    function: str,
    record: SignatureRecord,
    parameters: Mapping[str, str],
    given: Mapping[str, str] = _EMPTY,
) -> str:
    """A call of a function.

    Args:
        language: The templates.
        function: The function's name.
        record: Its signature.
        parameters: The variable that holds each input, by the input's name.
        given: Expressions for some inputs; others have their default, or else their variable.
    """
    arguments = []
    for tensor in record.inputs:
        values = _values(language, tensor, parameters[tensor.name])
        value = given.get(tensor.name) or values["default"] or values["parameter"]
        if tensor_text.is_colour_image(tensor):
            _, height, width, _ = tensor.shape
            nearest = _nearest(language, tensor)
            value = fill(language["image"], **values, height=height, width=width, nearest=nearest)
        arguments.append(fill(language["argument"], **values, value=value))
    return f"{function}({', '.join(arguments)})"


def _back(language: Mapping[str, Any], record: SignatureRecord) -> str:
    """A line that turns the result into an image, if it is the only one and in colour."""
    images = [tensor for tensor in record.inputs if tensor_text.is_colour_image(tensor)]
    if len(record.outputs) > 1 or not images or not tensor_text.is_colour_image(record.outputs[0]):
        return ""
    parameter = argument_names(language, record)[images[0].name]
    expression = bitmap_call(language, images[0], record.outputs[0], "result", parameter)
    return fill(language["back"], expression=expression)


def bitmap_call(
    language: Mapping[str, Any],
    image: TensorRecord,
    output: TensorRecord,
    result: str,
    parameter: str,
) -> str:
    """The expression that turns a result, pixels of the size of `output`, into an image."""
    _, height, width, _ = image.shape
    _, result_height, result_width, _ = output.shape
    differs = (result_height, result_width) != (height, width)
    larger = fill(language["larger"], result_width=result_width, result_height=result_height)
    return fill(
        language["bitmap"],
        result=result,
        width=width,
        height=height,
        parameter=parameter,
        larger=larger if differs else "",
        nearest=_nearest(language, output),
    )


def _nearest(language: Mapping[str, Any], tensor: TensorRecord) -> str:
    """The argument that a call of the functions for images needs for a label map."""
    return language["nearest"] if tensor.interpolation == "nearest" else ""


def _values(
    language: Mapping[str, Any],
    tensor: TensorRecord,
    parameter: str,
    floats: Sequence[TensorRecord] = (),
) -> dict[str, str]:
    """What templates show of a tensor; `floats` are those of the wrapped float signature."""
    kind = language["types"][tensor.dtype]
    default = tensor_text.default_texts(tensor)
    literals = [] if default is None else [f"{each}{kind['suffix']}" for each in default]
    meaning = _in_comment(tensor_text.meaning(tensor))
    return {
        "name": tensor.name,
        "parameter": parameter,
        "dtype": tensor.dtype,
        "shape": ", ".join(map(str, tensor.shape)),
        "range": _range(language, tensor, floats),
        "array": kind["array"],
        "buffer": kind.get("buffer", ""),
        "default": fill(kind["literal"], values=", ".join(literals)) if literals else "",
        "form": tensor_text.type_shape_and_range(tensor),
        "meaning": f"; {meaning}" if meaning else "",
    }


def _range(
    language: Mapping[str, Any], tensor: TensorRecord, floats: Sequence[TensorRecord]
) -> str:
    """The range that pixels have in the float signature; nothing for other tensors."""
    if tensor.dtype != "uint8":
        return ""
    limits = [each.value_range for each in floats if each.name == tensor.name]
    if not limits or limits[0] is None:
        return str(language["no_range"])
    low, high = map(tensor_text.number, limits[0])
    return fill(language["range"], low=low, high=high)


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
    """Identifiers for names: in camel case, unless two of them would then be equal.

    Reserved words get as many `_` as make them no word and no other name.
    """
    camel = {name: _camel(name) for name in names}
    unique = len(set(camel.values())) == len(names)
    identifiers = camel if unique else {name: name for name in names}
    taken = {*language["reserved"], *identifiers.values()}
    for name, word in identifiers.items():
        if word in language["reserved"]:
            while word in taken:
                word += "_"
            identifiers[name] = word
            taken.add(word)
    return identifiers


def _in_comment(text: str) -> str:
    """The text on one line, without the marks that open or close a comment."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return line.replace("/*", "/ *").replace("*/", "* /")


def _camel(name: str) -> str:
    first, *rest = [part for part in name.split("_") if part]
    return first[0].lower() + first[1:] + "".join(part[0].upper() + part[1:] for part in rest)
