"""All splits of a source decoded to one form, without the images that cannot be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tf_translate.config.data import DataConfig
from tf_translate.data.cache.image_store import MEMORY_LIMIT, Form, Place, Store, open_store
from tf_translate.data.splits import Source, Split, listing
from tf_translate.errors import DataError

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StoredSplit:
    """Two domains of one split, decoded; `aligned` if position i of both is a pair."""

    a: Store
    b: Store
    aligned: bool

    def side(self, domain: Literal["a", "b"]) -> Store:
        """One domain."""
        if domain not in ("a", "b"):
            raise ValueError(f'`side` must be "a" or "b", got {domain!r}')
        return self.a if domain == "a" else self.b


def decode_all(
    source: Source, config: DataConfig, progress: Progress | None
) -> tuple[dict[str, StoredSplit], tuple[str, ...]]:
    """Decodes every image once.

    Args:
        source: What was found.
        config: The form that images get, and what happens to broken ones.
        progress: Called with (images done, images in all).

    Returns:
        The splits, and what was left out as "file: reason".

    Raises:
        DataError: If images are broken and `on_error` is "stop", or a split is left empty.
    """
    place = _place(source, config)
    tick = _counter(source, progress)
    opened = {}
    for name, split in source.splits.items():
        forms = _forms(config, name)
        a = open_store(split.a, forms[0], place, progress=tick)
        b = open_store(split.b, forms[1], place, progress=tick)
        opened[name] = StoredSplit(a, b, split.aligned)
    reasons = _reasons(opened)
    if reasons and config.on_error == "stop":
        raise DataError(
            f"{len(reasons)} images of {source.description} cannot be used; repair or remove "
            f'them, or set on_error to "skip" to leave them out:{listing(reasons)}'
            if len(reasons) > 1
            else f'{reasons[0]}; repair or remove it, or set on_error to "skip" to leave it out'
        )
    stored = {name: _without_problems(split) for name, split in opened.items()}
    _check_not_empty(stored, source)
    return stored, tuple(reasons)


def _reasons(opened: dict[str, StoredSplit]) -> list[str]:
    """Every reason once: the halves of one file share theirs."""
    stores = [store for split in opened.values() for store in (split.a, split.b)]
    return list(dict.fromkeys(why for store in stores for why in store.problems.values()))


def _without_problems(split: StoredSplit) -> StoredSplit:
    bad_a, bad_b = set(split.a.problems), set(split.b.problems)
    if split.aligned:
        bad_a = bad_b = bad_a | bad_b
    if not bad_a and not bad_b:
        return split
    a = split.a.pick([i for i in range(len(split.a)) if i not in bad_a])
    b = split.b.pick([i for i in range(len(split.b)) if i not in bad_b])
    return StoredSplit(a, b, split.aligned)


def _check_not_empty(stored: dict[str, StoredSplit], source: Source) -> None:
    for name, split in stored.items():
        for domain in ("a", "b"):
            if not len(split.side(domain)):  # type: ignore[arg-type]
                raise DataError(
                    f"no usable image of {domain} is left in the {name} split of "
                    f"{source.description}"
                )


def _place(source: Source, config: DataConfig) -> Place:
    if config.cache != "auto":
        return config.cache
    needed = 0
    for name, split in source.splits.items():
        form_a, form_b = _forms(config, name)
        needed += form_a.bytes_of(split.a) + form_b.bytes_of(split.b)
    return memory_or_disk(needed)


def memory_or_disk(needed: int) -> Place:
    """Where so many bytes of decoded images go if the configuration leaves it open."""
    return "memory" if needed <= MEMORY_LIMIT else "disk"


def _forms(config: DataConfig, split: str) -> tuple[Form, Form]:
    size = config.load_size if config.load_size and split == "train" else config.size
    channels_a, channels_b = channels_of(config)
    return Form(size, channels_a), Form(size, channels_b)


def channels_of(config: DataConfig) -> tuple[int, int]:
    """What a configuration says of channels: those of a and of b."""
    return config.channels_a, config.channels_b


def _counter(source: Source, progress: Progress | None) -> Callable[[], None]:
    if progress is None:
        return lambda: None
    total = sum(_count(split) for split in source.splits.values())
    done = iter(range(1, total + 1))
    return lambda: progress(next(done), total)


def _count(split: Split) -> int:
    return len(split.a.names) + len(split.b.names)
