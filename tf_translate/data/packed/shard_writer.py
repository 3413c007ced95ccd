"""Writes the records of a packed data set into shards of about equal size."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from tf_translate.data.packed.index import FOOTER, HEADER, Shard


@dataclass(frozen=True)
class PreparedImage:
    """An image before writing: size of its file, and its records or why it is damaged."""

    file_bytes: int | None
    payloads: tuple[bytes, ...]
    problem: str = ""


@dataclass(frozen=True)
class WrittenImage:
    """An image after writing; the fields are those of `image_entries.ImageEntry`."""

    file_bytes: int | None
    records: tuple[int, ...]
    problem: str


class ShardWriter:
    """Writes records into shards of about equal size, one after another.

    Attributes:
        positions: Shard, offset, size and checksum of each record, as in `RECORD`.
        complete: The shards that are complete.
        written_images: Image file -> its records, for files with several images.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.positions: list[tuple[int, int, int, int]] = []
        self.complete: list[Shard] = []
        self.written_images: dict[tuple[Path, str] | None, WrittenImage] = {}
        self._folder, self._limit = folder, limit
        self._writer: tf.io.TFRecordWriter | None = None
        self._bytes = self._records = 0

    def write(self, file: tuple[Path, str] | None, image: PreparedImage) -> WrittenImage:
        """Writes the records of an image, unless they were written for the same file."""
        if file in self.written_images:
            return self.written_images[file]
        records = tuple(self._add(payload) for payload in image.payloads)
        written = WrittenImage(image.file_bytes, records, image.problem)
        if file is not None:
            self.written_images[file] = written
        return written

    def close(self) -> None:
        """Completes the current shard."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self.complete.append(Shard(file=self._name, bytes=self._bytes, records=self._records))
            self._bytes = self._records = 0

    @property
    def _name(self) -> str:
        return f"images-{len(self.complete):05d}.tfrecord"

    def _add(self, payload: bytes) -> int:
        size = HEADER + len(payload) + FOOTER
        if self._records and self._bytes + size > self._limit:
            self.close()
        if self._writer is None:
            self._writer = tf.io.TFRecordWriter(str(self._folder / self._name))
        self._writer.write(payload)
        position = (len(self.complete), self._bytes + HEADER, len(payload), zlib.crc32(payload))
        self.positions.append(position)
        self._bytes += size
        self._records += 1
        return len(self.positions) - 1
