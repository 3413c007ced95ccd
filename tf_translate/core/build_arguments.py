"""What a translator is built from, checked before its networks are."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

from tf_translate.config.settings import Settings

if TYPE_CHECKING:
    from tf_translate.core.translator import Translator


def check_build_arguments(
    translator: "type[Translator]", settings: Any, shapes: Sequence, attributes: Any
) -> None:
    """Refuses arguments of `from_settings` that a method cannot be built from.

    Args:
        translator: The method's class.
        settings: Must be of its settings class.
        shapes: Must be `(height, width, channels)`: of both domains, or of the single set.
        attributes: Must map each image attribute to its values, or be None where the layout has
            none.

    Raises:
        ValueError: If one of them is something else; the message shows the call.
    """
    name, single = translator.__name__, translator.layout in ("attributes", "images")
    call = f"{name}.from_settings({translator.settings_class.__name__}(), (256, 256, 3)"
    call += "" if single else ", (256, 256, 3)"
    call += ', attributes={"glasses": ["no", "yes"]}' if translator.layout == "attributes" else ""
    call += ")"
    check_settings(translator, settings, call)
    wanted = 1 if single else 2
    for shape in shapes:
        sides = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else ()
        if len(sides) != 3 or not all(side is None or isinstance(side, int) for side in sides):
            raise ValueError(
                f"an image shape must be (height, width, channels), got {shape!r}: {call}"
            )
    if len(shapes) != wanted:
        of = "the images" if single else "each domain"
        raise ValueError(f"{name} needs the image shape of {of}, got {len(shapes)} shapes: {call}")
    if translator.layout != "attributes" and attributes is not None:
        raise ValueError(f"`attributes` must be None: {name} has no image attributes: {call}")
    if translator.layout == "attributes" and not isinstance(attributes, Mapping):
        raise ValueError(
            f"`attributes` must map each image attribute to its values, got {attributes!r}: {call}"
        )


def check_settings(translator: "type[Translator]", settings: Any, call: str = "") -> None:
    """Refuses what is no object of a method's settings class.

    Args:
        translator: The method's class.
        settings: What it was given.
        call: How to give them; "" for the constructor, which also takes networks.

    Raises:
        ValueError: Showing the class, what was given, and how to make settings.
    """
    wanted = translator.settings_class
    if isinstance(settings, wanted):
        return
    given = type(settings).__name__ if isinstance(settings, Settings) else repr(settings)
    named = isinstance(settings, Mapping) and all(str(key).isidentifier() for key in settings)
    values = ", ".join(f"{key}={value!r}" for key, value in settings.items()) if named else ""
    raise ValueError(
        f"`settings` must be those of {translator.__name__}, got {given}: "
        + (call or f"settings={wanted.__name__}({values})")
    )


def check_network(argument: str, network: Any) -> None:
    """Refuses what is not a Keras model.

    Raises:
        ValueError: Naming the argument.
    """
    if not isinstance(network, keras.Model):
        raise ValueError(f"`{argument}` must be a keras.Model, got {network!r}")
