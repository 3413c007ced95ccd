"""How bundles are spoilt: by someone who breaks them, and by a forger.

A forger signs: hashes, sizes and digest agree with what is there, unless the case is about them.
Each function gives what spoils a bundle's folder.
"""

import hashlib
import json
import os
import shutil

from exporters.bundle.bundle import file_records

MANIFEST, GOLDEN, LITE = "manifest.json", "golden.npz", "float32.tflite"


def write(bundle, manifest):
    """Writes a manifest with the digest that belongs to it."""
    content = {key: value for key, value in manifest.items() if key != "digest"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (bundle / MANIFEST).write_text(json.dumps(content | {"digest": digest}))


def read(bundle):
    return json.loads((bundle / MANIFEST).read_text())


def manifest(change):
    """A forged manifest, its digest right."""

    def spoil(bundle):
        content = read(bundle)
        change(content)
        write(bundle, content)

    return spoil


def text(change):
    """A manifest whose text is changed."""

    def spoil(bundle):
        content = change((bundle / MANIFEST).read_text())
        (bundle / MANIFEST).write_bytes(content if isinstance(content, bytes) else content.encode())

    return spoil


def signed(path, change):
    """A file of other content, with hash and size as they are then."""

    def spoil(bundle):
        file = bundle / path
        file.write_bytes(change(file.read_bytes()))
        content = read(bundle)
        record = file_records(bundle)[path].model_dump()
        write(bundle, content | {"files": content["files"] | {path: record}})

    return spoil


def unsigned(path, change):
    """A file of other content, hash and size left as they were."""
    return lambda bundle: (bundle / path).write_bytes(change((bundle / path).read_bytes()))


def removed(path):
    def spoil(bundle):
        shutil.rmtree(bundle / path) if (bundle / path).is_dir() else (bundle / path).unlink()

    return spoil


def replaced_by_folder(path):
    def spoil(bundle):
        (bundle / path).unlink()
        (bundle / path).mkdir()

    return spoil


def linked(path, target):
    """A symbolic link to another folder instead of a file or folder."""

    def spoil(bundle):
        target_path = bundle / path
        elsewhere = bundle.parent / "elsewhere"
        target_path.rename(elsewhere)
        target_path.symlink_to(target or elsewhere)

    return spoil


def pipe(path):
    """A named pipe, which would be waited for forever."""

    def spoil(bundle):
        (bundle / path).unlink()
        os.mkfifo(bundle / path)

    return spoil


def sparse(path, size):
    return lambda bundle: os.truncate(bundle / path, size)
