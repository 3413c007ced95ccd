"""Writes the records of a packed data set into files of about one size."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from tf_translate.data.packed.index import FOOTER, HEADER, Shard


@dataclass(frozen=True)
class Prepared:
    """A image that is to be written: the size of its file, its records or what is wrong."""

    file_bytes: int | None
    payloads: tuple[bytes, ...]
    problem: str = ""


@dataclass(frozen=True)
class Kept:
    """One that is written, in the words of `Line`."""

    file_bytes: int | None
    records: tuple[int, ...]
    problem: str


class Shards:
    """Writes records into files of about one size, one after another.

    Attributes:
        places: Of each record, as `RECORD` has it.
        written: The files that are complete.
        kept: What became of each file so far.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.places: list[tuple[int, int, int, int]] = []
        self.written: list[Shard] = []
        self.kept: dict[tuple[Path, str] | None, Kept] = {}
        self._folder, self._limit = folder, limit
        self._writer: tf.io.TFRecordWriter | None = None
        self._bytes = self._records = 0

    def keep(self, file: tuple[Path, str] | None, found: Prepared) -> Kept:
        """Writes the records of a image, unless its file has them already."""
        if file in self.kept:
            return self.kept[file]
        records = tuple(self._add(payload) for payload in found.payloads)
        kept = Kept(found.file_bytes, records, found.problem)
        if file is not None:
            self.kept[file] = kept
        return kept

    def close(self) -> None:
        """Completes the file that is being written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self.written.append(Shard(file=self._name, bytes=self._bytes, records=self._records))
            self._bytes = self._records = 0

    @property
    def _name(self) -> str:
        return f"images-{len(self.written):05d}.tfrecord"

    def _add(self, payload: bytes) -> int:
        needed = HEADER + len(payload) + FOOTER
        if self._records and self._bytes + needed > self._limit:
            self.close()
        if self._writer is None:
            self._writer = tf.io.TFRecordWriter(str(self._folder / self._name))
        self._writer.write(payload)
        place = (len(self.written), self._bytes + HEADER, len(payload), zlib.crc32(payload))
        self.places.append(place)
        self._bytes += needed
        self._records += 1
        return len(self.places) - 1
