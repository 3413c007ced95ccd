"""Parses `--attribute` options, such as `glasses=1` or `hair=blond`, to values by label."""

from collections.abc import Sequence

from tf_translate.errors import ConfigError


def parse_attributes(texts: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Reads `--attribute` options.

    Args:
        texts: Each `name=number`, or `name=category` if that is a label of the model.
        labels: The model's labels. An unknown label is passed on, and the model refuses it.

    Raises:
        ConfigError: If a text has another form, or an attribute is given twice.
    """
    values: dict[str, float] = {}
    texts_of: dict[str, list[str]] = {}
    categorical = set()
    for text in texts:
        label, value = _parse(text, labels)
        attribute = label.partition("=")[0]
        earlier = texts_of.setdefault(attribute, [])
        if label == text:
            categorical.add(attribute)
        if label in values or (earlier and attribute in categorical):
            raise ConfigError(
                f"--attribute gives {attribute} twice, as {earlier[-1]} and as {text}; give it once"
            )
        values[label] = value
        earlier.append(text)
    return values


def _parse(text: str, labels: Sequence[str]) -> tuple[str, float]:
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
            return text, 1.0  # an unknown category, which the model refuses
        raise ConfigError(
            f"--attribute {label} must be a number, 0 for absent and 1 for present, got {value!r}; "
            f"write for example --attribute {label}=1"
        ) from None
