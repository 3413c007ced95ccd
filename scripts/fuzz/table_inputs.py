"""Valid tables and packed data sets, and the changes that `fuzz_tables` makes to them."""

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

IMAGES = 12
SPLITS = ("train",) * 7 + ("validation",) * 2 + ("test",) * 3
BY_HAIR = {"domain_column": "hair", "domain_a": "black", "domain_b": "blond"}
BY_MALE = {"domain_column": "Male", "domain_a": "1", "domain_b": "-1"}
HOSTILE_CELLS = (
    *("/", ".", "..", "./", "", " ", "a\0b.png", "/etc/passwd", "/dev/zero", "../outside/x.png"),
    *("loop1.png", "pipe.png", "sub.png", "../../../../dev/zero", "x" * 5000, "~", "-1", "1e999"),
    *("\ud800"[:0] + "\ufeff", "a\nb", "a;b", "a,b", "a\tb", '"', "0" * 5000, "NaN", "\x1b[31m"),
)
HOSTILE_VALUES = (
    *(-1, 0, 0.5, 1, 2**31, 2**64, 10**30, 1e300, float("inf"), float("nan"), True, None, "", "c"),
    *("x", "../x", "/etc/passwd", "a\0b", "\ud800", "9" * 5000, [], {}, [[]], {"a": 1}, [0] * 1000),
)


@dataclass(frozen=True)
class Base:
    """A valid data set: how it is written, what `data.path` names in it, and how it is opened."""

    write: Callable[[Path], None]
    path: str
    opening: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def is_pack(self) -> bool:
        """Whether it is a packed data set."""
        return self.path == "packed"


def write_images(folder: Path) -> None:
    """Writes images, and beside them what a cell may name but no image is."""
    folder.mkdir(parents=True)
    for i in range(IMAGES):
        Image.fromarray(np.full((8, 8, 3), 20 * i, np.uint8)).save(folder / f"{i:06d}.png")
    (folder / "loop1.png").symlink_to("loop2.png")
    (folder / "loop2.png").symlink_to("loop1.png")
    (folder / "sub.png").mkdir()
    os.mkfifo(folder / "pipe.png")


def _pairs(separator: str, name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_images(folder)
        rows = [("split", "a", "b", "label_a")]
        rows += [
            (split, f"{i:06d}.png", f"{IMAGES - 1 - i:06d}.png", str(i % 2))
            for i, split in enumerate(SPLITS)
        ]
        (folder / name).write_text("".join(separator.join(row) + "\n" for row in rows))

    return write


def _faces() -> dict[str, list]:
    return {
        "image": [f"{i:06d}.png" for i in range(IMAGES)],
        "split": list(SPLITS),
        "hair": ["black" if i % 2 else "blond" for i in range(IMAGES)],
        "person": [str(i // 2) for i in range(IMAGES)],
    }


def _faces_csv(folder: Path) -> None:
    write_images(folder)
    columns = _faces()
    rows = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    (folder / "faces.csv").write_text("\r\n".join(rows) + "\r\n", "utf-8-sig")


def _celeba(name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_images(folder / "img_align_celeba")
        names, males = [f"{i:06d}.png" for i in range(IMAGES)], [1, -1] * (IMAGES // 2)
        listed = list(zip(names, males, strict=True))
        partition = [
            f"{n} {('train', 'validation', 'test').index(s)}\n"
            for n, s in zip(names, SPLITS, strict=True)
        ]
        (folder / "list_eval_partition.txt").write_text("".join(partition))
        lines = (
            [f"{IMAGES}", "Male Young", *(f"{n} {male:2d}  1" for n, male in listed)]
            if name.endswith(".txt")
            else ["image_id,Male,Young", *(f"{n},{male},1" for n, male in listed)]
        )
        (folder / name).write_text("\n".join(lines) + "\n")

    return write


def _faces_parquet(folder: Path) -> None:
    from pyarrow import parquet, table

    write_images(folder)
    parquet.write_table(table(_faces()), folder / "faces.parquet")


def _shards(folder: Path) -> None:
    from pyarrow import parquet, table

    (folder / "data").mkdir(parents=True)
    for name, numbers in (
        ("train-00000-of-00002", range(4)),
        ("train-00001-of-00002", range(4, 8)),
        ("test-00000-of-00001", range(8, 12)),
    ):
        images = []
        for i in numbers:
            buffer = io.BytesIO()
            Image.fromarray(np.full((8, 8, 3), 20 * i, np.uint8)).save(buffer, "png")
            images.append({"bytes": buffer.getvalue(), "path": f"{i}.png"})
        hair = ["black" if i % 2 else "blond" for i in numbers]
        file = folder / "data" / f"{name}.parquet"
        parquet.write_table(table({"image": images, "hair": hair}), file, row_group_size=2)


def _packed(write: Callable[[Path], None], path: str, **options: Any) -> Callable[[Path], None]:
    def write_pack(folder: Path) -> None:
        from tf_translate.data.packed.packing_input import find_to_pack
        from tf_translate.data.packed.writer import PackingOptions, pack

        write(folder / "original")
        data, layout = find_to_pack(str(folder / "original" / path))
        packing = PackingOptions(shard_bytes=500, **options)
        pack(data, folder / "packed", packing, layout=layout)
        shutil.rmtree(folder / "original")

    return write_pack


BASES = {
    "pairs": Base(_pairs(",", "pairs.csv"), "pairs.csv", "domains"),
    "pairs_tabs": Base(_pairs("\t", "pairs.tsv"), "pairs.tsv", "domains"),
    "pairs_semicolons": Base(_pairs(";", "pairs.csv"), "pairs.csv", "domains"),
    "faces_csv": Base(_faces_csv, "faces.csv", "domains", BY_HAIR),
    "faces_attributes": Base(
        _faces_csv, "faces.csv", "attributes", {"attributes": {"hair": ["black", "blond"]}}
    ),
    "celeba": Base(_celeba("list_attr_celeba.txt"), "list_attr_celeba.txt", "domains", BY_MALE),
    "kaggle": Base(_celeba("list_attr_celeba.csv"), "list_attr_celeba.csv", "domains", BY_MALE),
    "faces_parquet": Base(_faces_parquet, "faces.parquet", "domains", BY_HAIR),
    "shards": Base(_shards, "", "domains", BY_HAIR),
    "packed_pairs": Base(_packed(_pairs(",", "pairs.csv"), "pairs.csv"), "packed", "domains"),
    "packed_resized": Base(
        _packed(_pairs(",", "pairs.csv"), "pairs.csv", sizes=((8, 8),), channels=(3,)),
        "packed",
        "domains",
    ),
    "packed_faces": Base(_packed(_faces_csv, "faces.csv"), "packed", "domains", BY_HAIR),
    "packed_set": Base(_packed(_faces_csv, "faces.csv"), "packed", "images"),
}


def mutate(generator: random.Random, base: Base, folder: Path) -> str:
    """Changes a copy of a base in one to three places; returns what was changed."""
    kinds = _PACK_CHANGES if base.is_pack else _changes_of(base)
    changes = [generator.choice(kinds) for _ in range(generator.choice((1, 1, 1, 2, 3)))]
    target = folder / base.path
    done = []
    for change in changes:
        with contextlib.suppress(Exception):  # an earlier change may have left nothing to change
            change(generator, target)
            done.append(change.__name__.strip("_"))
    return ", ".join(done)


def _changes_of(base: Base) -> tuple[Callable[[random.Random, Path], None], ...]:
    if base.path.endswith(".parquet") or not base.path:
        return (_flip_bytes, _cut, _flip_end, _hostile_parquet, _vast)
    return (
        _hostile_cell,
        _hostile_cell,
        _hostile_cell,
        _hostile_line,
        _flip_bytes,
        _cut,
        _separator,
        _vast,
    )


def _file(generator: random.Random, target: Path) -> Path:
    """The file itself, or one of a folder; of CelebA's lists sometimes the partition."""
    if target.is_dir():
        return generator.choice(sorted(target.rglob("*.parquet")))
    partition = target.parent / "list_eval_partition.txt"
    return partition if partition.exists() and generator.random() < 0.4 else target


def _flip_bytes(generator: random.Random, target: Path) -> None:
    _flip(generator, _file(generator, target), 0.0)


def _flip_end(generator: random.Random, target: Path) -> None:
    """Changes the last bytes, where Parquet holds its metadata."""
    _flip(generator, _file(generator, target), 0.6)


def _flip(generator: random.Random, path: Path, start: float) -> None:
    contents = bytearray(path.read_bytes())
    for _ in range(generator.choice((1, 2, 8, 64))):
        contents[generator.randrange(int(start * len(contents)), len(contents))] = (
            generator.randrange(256)
        )
    path.write_bytes(contents)


def _cut(generator: random.Random, target: Path) -> None:
    path = _file(generator, target)
    contents = path.read_bytes()
    at = generator.randrange(len(contents))
    path.write_bytes(generator.choice((contents[:at], contents[at:], contents + contents[at:])))


def _vast(generator: random.Random, target: Path) -> None:
    """Makes a file a terabyte long; it is sparse and takes no space."""
    files = ("packed.json", "images.jsonl", "records.npy")
    packed = target / generator.choice(files)
    os.truncate(packed if packed.exists() else _file(generator, target), 2**40)
    if packed.exists() and packed.name != "packed.json":
        index = json.loads((target / "packed.json").read_text())
        index["tables"][packed.name]["bytes"] = 2**40
        (target / "packed.json").write_text(json.dumps(index))


def _hostile_cell(generator: random.Random, target: Path) -> None:
    path = _file(generator, target)
    text = path.read_bytes().decode("utf-8-sig", "replace")
    separator = next((mark for mark in ";\t, " if mark in text), ",")
    lines = text.splitlines()
    line = generator.randrange(len(lines))
    cells = lines[line].split(separator)
    names = [i for i, cell in enumerate(cells) if cell.endswith(".png")]
    at = generator.choice(names if names and generator.random() < 0.7 else range(len(cells)))
    hostile = generator.choice((*HOSTILE_CELLS, str(path.parent), str(path.parent.parent)))
    cells[at] = hostile
    lines[line] = separator.join(cells)
    path.write_bytes("\n".join(lines).encode())


def _hostile_line(generator: random.Random, target: Path) -> None:
    path = _file(generator, target)
    lines = path.read_bytes().splitlines(keepends=True)
    line = generator.randrange(len(lines))
    hostile = generator.choice(
        (b"\n", b'"', b"\xff\xfe\n", b"," * 100_000 + b"\n", b"x" * 2_000_000, b"\0" * 100 + b"\n")
    )
    lines[line] = generator.choice((hostile, lines[line] + lines[line], hostile + lines[line]))
    path.write_bytes(b"".join(lines))


def _separator(generator: random.Random, target: Path) -> None:
    """Replaces the separators of some lines."""
    path = _file(generator, target)
    lines = path.read_bytes().splitlines(keepends=True)
    new = generator.choice((b",", b";", b"\t", b"|", b" "))
    for line in generator.sample(range(len(lines)), generator.randrange(1, len(lines))):
        for old in (b",", b";", b"\t"):
            lines[line] = lines[line].replace(old, new)
    path.write_bytes(b"".join(lines))


def _hostile_parquet(generator: random.Random, target: Path) -> None:
    """Writes a valid Parquet file of columns that no table of images has."""
    import pyarrow
    from pyarrow import parquet

    path = _file(generator, target)
    hostile = [generator.choice(HOSTILE_CELLS) for _ in range(4)]
    image = generator.choice(
        (
            pyarrow.array(hostile),
            pyarrow.array([cell.encode() for cell in hostile]),
            pyarrow.array([{"bytes": b"x", "path": cell} for cell in hostile]),
            pyarrow.array([{"path": cell} for cell in hostile]),
            pyarrow.array([None] * 4, pyarrow.string()),
            pyarrow.array([None] * 4, pyarrow.binary()),
            pyarrow.array([[1]] * 4),
            pyarrow.array([b"\xff\xfe"] * 4).view(pyarrow.string()),
        )
    )
    hair = pyarrow.array([generator.choice(("black", "blond", "", "\ufeff")) for _ in range(4)])
    dates = pyarrow.array([2**62] * 4, pyarrow.int64()).view(pyarrow.timestamp("s"))
    columns = {"image": image, "hair": hair, **({"day": dates} if generator.random() < 0.3 else {})}
    parquet.write_table(pyarrow.table(columns), path)


def _index_value(generator: random.Random, target: Path) -> None:
    """Replaces a value anywhere in the index."""
    index = json.loads((target / "packed.json").read_text())
    _replace_somewhere(generator, index, generator.choice(HOSTILE_VALUES))
    (target / "packed.json").write_text(json.dumps(index))


def _index_text(generator: random.Random, target: Path) -> None:
    path = target / "packed.json"
    text = path.read_text()
    at = generator.randrange(len(text))
    nested = generator.choice(("[", '{"a":')) * 100_000
    path.write_text(
        generator.choice((text[:at], text[:at] + nested + text[at:], nested, "7", "null", "[]", ""))
    )


def _index_count(generator: random.Random, target: Path) -> None:
    """Changes a count of the index by one, or to something vast, negative or fractional."""
    index = json.loads((target / "packed.json").read_text())
    counted = [*index["splits"].values(), *index["shards"], index]
    place = generator.choice(counted)
    keys = [key for key, value in place.items() if type(value) is int]
    key = generator.choice(keys)
    place[key] = generator.choice((place[key] + 1, place[key] - 1, -1, 10**18, 0.5))
    (target / "packed.json").write_text(json.dumps(index))


def _index_shape(generator: random.Random, target: Path) -> None:
    index = json.loads((target / "packed.json").read_text())
    side = generator.choice((10**9, 8193, -8, 0, 8.5, 1e300, "8", None, 10**30))
    index["sizes"] = generator.choice(([[side, 8]], [[8, side]], [side], [[8]], [[8, 8, 8]], side))
    index["channels"] = generator.choice(([3], [], [side], side))
    (target / "packed.json").write_text(json.dumps(index))


def _entry_value(generator: random.Random, target: Path) -> None:
    """Replaces a value in the metadata of an image, hashes included."""
    lines = (target / "images.jsonl").read_text().splitlines()
    line = generator.randrange(len(lines))
    entry = json.loads(lines[line])
    key = generator.choice((*entry, "label", "half", "problem", "evil"))
    entry[key] = generator.choice((*HOSTILE_VALUES, *HOSTILE_CELLS, "left"))
    lines[line] = json.dumps(entry)
    _replace_table(target, "images.jsonl", ("\n".join(lines) + "\n").encode())


def _entry_side(generator: random.Random, target: Path) -> None:
    lines = (target / "images.jsonl").read_text().splitlines()
    line = generator.randrange(len(lines))
    entry = json.loads(lines[line])
    entry[generator.choice(("side", "split"))] = generator.choice(
        ("a", "b", "c", "test", "val", "")
    )
    lines[line] = json.dumps(entry)
    _replace_table(target, "images.jsonl", ("\n".join(lines) + "\n").encode())


def _entry_text(generator: random.Random, target: Path) -> None:
    lines = (target / "images.jsonl").read_text().splitlines()
    line = generator.randrange(len(lines))
    lines[line] = generator.choice(
        ("[" * 100_000, '{"a":' * 100_000, "7", "[]", "", "null", lines[line] * 2, "\x85", "{")
    )
    _replace_table(target, "images.jsonl", ("\n".join(lines) + "\n").encode())


def _record_position(generator: random.Random, target: Path) -> None:
    records = np.load(target / "records.npy")
    column = generator.choice(records.dtype.names)
    largest = int(np.iinfo(records.dtype[column]).max)
    value = generator.choice((0, 1, 11, 12, 2**16, largest, largest - 3, largest // 2))
    records[column][generator.randrange(len(records))] = min(value, largest)
    buffer = io.BytesIO()
    np.save(buffer, records)
    _replace_table(target, "records.npy", buffer.getvalue())


def _record_header(generator: random.Random, target: Path) -> None:
    """Gives the array of records another shape, type or length."""
    contents = (target / "records.npy").read_bytes()
    start = 10 + int.from_bytes(contents[8:10], "little")
    descr = np.load(target / "records.npy").dtype.descr
    shape = generator.choice(
        (
            "(10,)",
            f"({10**15},)",
            "(-1,)",
            "(0.5,)",
            "()",
            "(1, 1)",
            "None",
            "(" * 2000,
            "{}",
            "(1e300,)",
        )
    )
    kind = generator.choice((descr, descr, "<f8", "|O", "|S1000000000", [("a", "<u4", (10**9,))]))
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    forged = contents[:8] + len(header).to_bytes(2, "little") + header + contents[start:]
    _replace_table(
        target, "records.npy", generator.choice((forged, contents[:start], contents[:9]))
    )


def _shard_bytes(generator: random.Random, target: Path) -> None:
    _flip(generator, generator.choice(sorted(target.glob("*.tfrecord"))), 0.0)


def _shard_file(generator: random.Random, target: Path) -> None:
    """Cuts a shard, or replaces it by something that is no file of the folder."""
    path = generator.choice(sorted(target.glob("*.tfrecord")))
    contents = path.read_bytes()
    path.unlink()
    kind = generator.choice(("cut", "gone", "loop", "outside", "pipe", "folder"))
    if kind == "cut":
        path.write_bytes(contents[: len(contents) // 2])
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "outside":
        path.symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()


def _replace_somewhere(generator: random.Random, place: Any, value: Any) -> None:
    """Replaces a value at a random depth of nested lists and dictionaries."""
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    key = generator.choice(keys)
    if isinstance(place[key], dict | list) and place[key] and generator.random() < 0.7:
        _replace_somewhere(generator, place[key], value)
    else:
        place[key] = value


def _replace_table(target: Path, name: str, contents: bytes) -> None:
    """Replaces a table of a packed set, and its size and hash in the index."""
    (target / name).write_bytes(contents)
    index = json.loads((target / "packed.json").read_text())
    digest = hashlib.sha256(contents).hexdigest()
    index["tables"][name] = {"bytes": len(contents), "sha256": digest}
    (target / "packed.json").write_text(json.dumps(index))


_PACK_CHANGES = (
    *(_index_value, _index_value, _index_text, _index_count, _index_shape),
    *(_entry_value, _entry_value, _entry_side, _entry_text),
    *(_record_position, _record_position, _record_header, _shard_bytes, _shard_file, _vast),
)
