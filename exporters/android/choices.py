"""What the app offers: signatures that make one colour image of one, as Kotlin calls."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.card import template_files
from exporters.card.app_example import argument_names, bitmap_call, function_names, usage
from exporters.card.tensor_text import (
    app_signatures,
    default_texts,
    direction_words,
    display_name,
    is_colour_image,
    number,
)
from exporters.inference.images import output_scale

_MAX_LABELS = 20  # of one input: a longer list helps nobody


@dataclass(frozen=True)
class Offer:
    """An entry of the app's list, as an argument of Kotlin's `listOf`.

    Attributes:
        name: What people read.
        code: Kotlin.
        scale: How many times as high and as wide as the photo its result is.
    """

    name: str
    code: str
    scale: int


def offers(
    records: Mapping[str, SignatureRecord], domains: Mapping[str, str]
) -> tuple[list[Offer], list[str]]:
    """The entries of the list, and the names of signatures that cannot be one.

    A signature with one labelled input that has no default gives an entry for each label: that
    label is 1 and the others are 0.
    """
    found: list[Offer] = []
    left_out = []
    shown = app_signatures(records)
    language = template_files.load("kotlin")
    functions = function_names(language, shown)
    for name, record in shown.items():
        image = _image(record)
        if image is None:
            left_out.append(display_name(name, record))
            continue
        words = direction_words(name, domains) or display_name(name, record)
        parameters = argument_names(language, record)
        for label, values in _label_values(record):
            arguments = {each: f"floatArrayOf({text})" for each, text in values.items()}
            call = usage(
                language,
                functions[name],
                record,
                {**parameters, image.name: "image"},
                arguments,
            )
            shown_image = bitmap_call(
                language, image, record.outputs[0], f"translator.{call}", "image"
            )
            title = f"{words}: {label}" if label else words
            found.append(
                Offer(
                    title,
                    f"    Choice({_literal(title)}) {{ translator, image ->\n"
                    f"        {shown_image}\n    }},\n",
                    output_scale(image, record.outputs[0]),
                )
            )
    return found, left_out


def _image(record: SignatureRecord) -> TensorRecord | None:
    """The only image among the inputs; None if the app cannot call the signature with it alone."""
    images = [each for each in record.inputs if is_colour_image(each)]
    required = _required(record)
    is_callable = all(
        each.dtype == "float32" and math.prod(each.shape) == len(each.labels) for each in required
    )
    one_result = len(record.outputs) == 1 and is_colour_image(record.outputs[0])
    if len(images) == 1 and one_result and is_callable and len(required) <= 1:
        return images[0]
    return None


def _label_values(record: SignatureRecord) -> Iterator[tuple[str, dict[str, str]]]:
    """Values for the input that has no default: one entry for each of its labels."""
    required = _required(record)
    if not required:
        yield "", {}
        return
    (tensor,) = required
    for index, label in enumerate(tensor.labels[:_MAX_LABELS]):
        values = [number(float(position == index)) + "f" for position in range(len(tensor.labels))]
        yield label, {tensor.name: ", ".join(values)}


def _required(record: SignatureRecord) -> list[TensorRecord]:
    """The inputs besides images that its function has no default for."""
    others = [each for each in record.inputs if not is_colour_image(each)]
    return [each for each in others if default_texts(each) is None]


def _literal(text: str) -> str:
    """A string of Kotlin; text of a foreign manifest must not end it or insert an expression."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    for special in ("\\", '"', "$"):
        printable = printable.replace(special, f"\\{special}")
    return f'"{printable}"'
