"""What people write for attributes, `glasses=1` or `hair=blond`, as numbers by label."""

from collections.abc import Sequence

from tf_translate.errors import ConfigError


def numbers_from(texts: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Reads `--attribute` options.

    Args:
        texts: Each `name=number`, or `name=category` where `name=category` is a label.
        labels: Those the model knows. An unknown one is passed on, for the model to refuse.

    Raises:
        ConfigError: If a text is of another form, or an attribute is given twice.
    """
    numbers: dict[str, float] = {}
    texts_of: dict[str, list[str]] = {}
    categories = set()
    for text in texts:
        label, number = _read(text, labels)
        attribute = label.partition("=")[0]
        earlier = texts_of.setdefault(attribute, [])
        if label == text:
            categories.add(attribute)
        if label in numbers or (earlier and attribute in categories):
            raise ConfigError(
                f"--attribute gives {attribute} twice, as {earlier[-1]} and as {text}; give it once"
            )
        numbers[label] = number
        earlier.append(text)
    return numbers


def _read(text: str, labels: Sequence[str]) -> tuple[str, float]:
    if text in labels and "=" in text:
        return text, 1.0
    label, equals, value = text.rpartition("=")
    if not (label and equals and value):
        example = f"{text.strip('=')}=1" if text.strip("=") in labels else "glasses=1 or hair=blond"
        raise ConfigError(f"--attribute takes name=value, for example {example}; got {text!r}")
    try:
        return label, float(value)
    except ValueError:
        if label not in labels:
            return text, 1.0  # a category that is not known
        raise ConfigError(
            f"--attribute {label} must be a number, 0 for absent and 1 for present, got {value!r}; "
            f"write for example --attribute {label}=1"
        ) from None
