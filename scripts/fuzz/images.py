"""Reads thousands of damaged and hostile images, and counts what happens.

scripts/bench fuzz_images [--count 5000] [--seed 0] [--folder NEW]

Valid images of every format, foreign files under names of images, and decompression bombs are
mutated: bytes are changed, cut out, repeated, moved between files, or replaced by extreme numbers,
more often in headers, EXIF data and colour profiles; most checksums of PNG files are corrected.
Each is read as training and `translate` read images, in a child process that reads many of them,
has limits of memory and of time for each image, and is started again after a crash. It must give
pixels or an error of one sentence. Writes fuzz_images.json into the folder; the exit code is 1 if
anything else happened. Image number N is the same for the same seed.
"""

import argparse
import datetime
import json
import random
import shlex
import shutil
import sys
import traceback
import zlib
from collections import Counter
from pathlib import Path

from scripts.fuzz.child_process import ChildProcess, answer_lines
from scripts.fuzz.image_seeds import seed_files
from scripts.stress.whole_number import whole_number

MEMORY = 4 * 2**30  # bytes of address space of a child
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HEADER = 256  # many mutations are in so many first bytes
MARKERS = (b"Exif\0\0", b"EXIF", b"eXIf", b"ICC_PROFILE", b"ICCP", b"iCCP", b"acsp", b"tRNS")
NEAR = 200  # bytes after a marker
OUTCOMES = ("read", "refused", "tracebacks", "signals", "hangs")


def mutate(files: dict[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """The name and contents of an image; every seed file comes once as it is, in turn."""
    names = list(files)
    if number < len(names):
        return names[number], files[names[number]]
    generator = random.Random(f"{seed}:{number}")
    # Bombs take long and have little inside: most mutations are of other files.
    small = [name for name in names if ".bomb." not in name]
    name = generator.choice(names if generator.random() < 0.02 else small)
    contents = bytearray(files[name])
    for _ in range(generator.choice((1, 1, 2, 4, 16))):
        generator.choice(MUTATIONS)(contents, generator, files)
    return name, repaired(bytes(contents)) if generator.random() < 0.8 else bytes(contents)


def repaired(contents: bytes) -> bytes:
    """Corrects the checksums of a PNG file, so that its chunks are read and not only refused."""
    if not contents.startswith(b"\x89PNG"):
        return contents
    parts, at = [contents[:8]], 8
    while at + 12 <= len(contents):
        end = at + 8 + int.from_bytes(contents[at : at + 4], "big")
        body = contents[at + 4 : end]
        parts += [contents[at : at + 4], body, zlib.crc32(body).to_bytes(4, "big")]
        at = end + 4
    return b"".join([*parts, contents[at:]])


def _position(contents: bytearray, generator: random.Random) -> int:
    found = [at for marker in MARKERS if (at := contents.find(marker)) >= 0]
    if found and generator.random() < 0.5:
        return min(len(contents) - 1, generator.choice(found) + generator.randrange(NEAR))
    end = len(contents) if generator.random() < 0.4 else min(len(contents), HEADER)
    return generator.randrange(max(1, end))


def _flip(contents: bytearray, generator: random.Random, files: dict[str, bytes]) -> None:
    at = _position(contents, generator)
    contents[at : at + 1] = bytes([generator.randrange(256)])


def _extreme(contents: bytearray, generator: random.Random, files: dict[str, bytes]) -> None:
    at, size = _position(contents, generator), generator.choice((1, 2, 4))
    value = generator.choice(EXTREMES) & (256**size - 1)
    contents[at : at + size] = value.to_bytes(size, generator.choice(("big", "little")))


def _cut_off(contents: bytearray, generator: random.Random, files: dict[str, bytes]) -> None:
    del contents[max(1, generator.randrange(max(2, len(contents)))) :]


def _cut_out(contents: bytearray, generator: random.Random, files: dict[str, bytes]) -> None:
    at = _position(contents, generator)
    del contents[at : at + generator.randrange(1, 64)]


def _repeat(contents: bytearray, generator: random.Random, files: dict[str, bytes]) -> None:
    at = _position(contents, generator)
    part = contents[at : at + generator.randrange(1, 64)]
    contents[at:at] = part * generator.randrange(1, 20)


def _splice(contents: bytearray, generator: random.Random, files: dict[str, bytes]) -> None:
    other = files[generator.choice([name for name in files if ".bomb." not in name])]
    start = generator.randrange(max(1, len(other)))
    at = _position(contents, generator)
    part = other[start : start + generator.randrange(1, 256)]
    contents[at : at + len(part)] = part


MUTATIONS = (_flip, _flip, _flip, _extreme, _extreme, _cut_off, _cut_out, _repeat, _splice)


def start_child(folder: Path, seed: int) -> ChildProcess:
    """A process that reads images by number, in a folder of its own."""
    return ChildProcess("scripts.fuzz.images", ["--child", str(seed)], folder, OMP_NUM_THREADS="1")


def child(seed: int) -> int:
    """Reads the images whose numbers come on stdin."""

    def prepare():
        files = seed_files()
        return lambda number: _read(files, seed, int(number))

    return answer_lines(MEMORY, prepare)


def _read(files: dict[str, bytes], seed: int, number: int) -> dict:
    from tf_translate.errors import DataError
    from tf_translate.images import read

    name, contents = mutate(files, seed, number)
    path = Path("image") / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(contents)
    channels = (3, 1, 4)[number % 3]
    try:
        pixels = read(path, channels=channels)
        assert pixels.dtype == "uint8"
        assert pixels.shape[2:] == (channels,)
        outcome = {"outcome": "read", "pixels": int(pixels.shape[0] * pixels.shape[1])}
    except DataError as error:
        text = str(error)
        one_sentence = str(path) in text and "\n" not in text
        outcome = {"outcome": "refused" if one_sentence else "tracebacks", "text": text[:300]}
    except BaseException:
        outcome = {"outcome": "tracebacks", "text": traceback.format_exc()[-2000:]}
    path.unlink()
    return {"number": number, "name": name, **outcome}


def run(folder: Path, seed: int, count: int) -> dict:
    """Reads images 0 to `count` - 1; returns the counts and what should not have happened."""
    counts = Counter({"tried": 0, **dict.fromkeys(OUTCOMES, 0), "files_outside": 0})
    faults, work = [], folder / "work"
    work.mkdir()
    process = start_child(work, seed)
    for number in range(count):
        answer = process.ask(str(number))
        counts["tried"] += 1
        counts[answer["outcome"]] += 1
        if answer["outcome"] not in ("read", "refused"):
            faults.append({**answer, "number": number})
            print(json.dumps(faults[-1]), flush=True)
        if answer.get("ended"):
            process = start_child(work, seed)
        if (number + 1) % 500 == 0:
            print(f"{number + 1} of {count}: {dict(counts)}", flush=True)
    process.stop()
    # A child that ended left the image it was reading, and no other file.
    outside = [path for path in work.rglob("*") if path.is_file() and path.parent.name != "image"]
    counts["files_outside"] = len(outside)
    faults += [{"outcome": "files_outside", "name": str(path)} for path in outside]
    shutil.rmtree(work)
    return {"counts": dict(counts), "faults": faults}


def main(arguments: list[str]) -> int:
    """Runs the command; 1 if anything but pixels or a sentence came out."""
    options = _arguments(arguments)
    if options.child is not None:
        return child(options.child)
    folder = options.folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"--folder must be new or empty, {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    from scripts.benchmarks.machine import machine, versions

    result = {
        "command": shlex.join(["scripts/bench", "fuzz_images", *arguments]),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(("numpy", "pillow")),
        "seed": options.seed,
        **run(folder, options.seed, options.count),
    }
    (folder / "fuzz_images.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["counts"]))
    return int(bool(result["faults"]))


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench fuzz_images")
    folder = Path("runs/fuzz_images")
    parser.add_argument("--count", type=whole_number, default=5000, help="images in all")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    parser.add_argument("--folder", type=Path, default=folder, help="new or empty")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
