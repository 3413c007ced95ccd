"""Packs small data sets, and changes their files in ways that sizes and hashes do not show."""

import hashlib
import json

import numpy as np
import pytest

from tests.data.image_files import config
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.errors import DataError


def pack_folder(path, output, how=None, layout="auto"):
    data, found_layout = find_to_pack(str(path), layout)
    pack(data, output, how or PackingOptions(shard_bytes=700), layout=found_layout)
    return output


def message(folder, **settings) -> str:
    """The error that opening a packed set as two domains gives."""
    with pytest.raises(DataError) as raised:
        open_domain_dataset(config(folder, **settings))
    sentence = str(raised.value)
    assert "Traceback" not in sentence
    return sentence


def index_of(folder) -> dict:
    return json.loads((folder / "packed.json").read_text())


def change(folder, **values):
    """Replaces values of the index."""
    (folder / "packed.json").write_text(json.dumps(index_of(folder) | values))


def replace_table(folder, name, content):
    """Replaces a table of a packed set and its size and hash in the index."""
    (folder / name).write_bytes(content)
    tables = index_of(folder)["tables"]
    tables[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change(folder, tables=tables)


def replace_array(folder, array):
    """Replaces the table of records by an array."""
    np.save(folder / "new.npy", array)
    replace_table(folder, "records.npy", (folder / "new.npy").read_bytes())


def replace_lines(folder, change_line):
    """Replaces the metadata of every image: `change_line` changes a dictionary."""
    lines = [json.loads(line) for line in (folder / "images.jsonl").read_text().splitlines()]
    for line in lines:
        change_line(line)
    replace_table(folder, "images.jsonl", "".join(json.dumps(x) + "\n" for x in lines).encode())
