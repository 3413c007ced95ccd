"""Generates samples:street_to_mnist: synthetic street digits, MNIST, and a table of both.

The street digits are synthetic, not SVHN. They are digits of free fonts on crops of photographs,
with partly visible neighbours, in legible colours and sizes. Photographs and fonts of the test
split appear in no other split. A second run gives the same pixels (tested with Pillow 13.0).
"""

import argparse
import csv
import io
import shutil
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from scripts.datasets.digit_fonts import FONT_VERSION, HANDWRITTEN_FONTS, TEST_FONTS, TRAIN_FONTS
from scripts.datasets.emoji import make_parser
from scripts.datasets.mnist_digits import SEED, Digits, fetch, sample_mnist

SIDE = 32
FINE = 3 * SIDE  # rendered at three times the size, then reduced
SPLITS = ("train", "validation", "test")
LUMINANCE = np.array([0.299, 0.587, 0.114])
CONTRAST = 0.3  # smallest difference of luminance, in [0, 1], between digit and background
STEP = 4  # quantization of the 256 levels: invisible, and lossless files get a quarter smaller
GLYPH = 90  # size at which fonts are loaded; rendering scales them
PHOTOGRAPHS = {  # from the wheel of scikit-image; CC0 or public domain
    "train": ("brick.png", "grass.png", "coffee.png", "astronaut.png", "rocket.jpg"),
    "test": ("gravel.png", "chelsea.png", "camera.png"),
}
DrawnImage = np.ndarray  # uint8 (32, 32, 3)


@dataclass(frozen=True)
class Scene:
    """Fonts and backgrounds of the street digits of a split.

    Attributes:
        fonts: Fonts of the digits.
        photographs: Backgrounds, in [0, 1].
        max_rotation: Largest rotation in degrees; the slant is proportional to it.
    """

    fonts: Sequence[ImageFont.FreeTypeFont]
    photographs: Sequence[np.ndarray]
    max_rotation: float = 10.0


def main() -> None:
    """Downloads packages, renders street digits, samples MNIST, and writes both."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.packages or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        train_fonts = TRAIN_FONTS | (HANDWRITTEN_FONTS if arguments.handwritten else {})
        max_rotation = 20.0 if arguments.handwritten else 10.0
        scenes = {
            "train": Scene(
                load_fonts(train_fonts, folder), load_photographs("train"), max_rotation
            ),
            "test": Scene(load_fonts(TEST_FONTS, folder), load_photographs("test")),
        }
        mnist = sample_mnist(folder, _counts(arguments.mnist, arguments.mnist_held_out))
    street = draw_street(scenes, _counts(arguments.street, arguments.street_held_out))
    write(arguments.out, street, mnist)


def _arguments() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--packages", type=Path, help="folder for the downloaded packages")
    parser.add_argument("--street", type=int, default=1000, help="total number of street digits")
    parser.add_argument("--mnist", type=int, default=1000, help="total number of MNIST digits")
    parser.add_argument(
        "--handwritten",
        action="store_true",
        help="also use handwritten fonts in train and validation, and rotate twice as far; the "
        "test split does not change",
    )
    for name in ("street", "mnist"):
        parser.add_argument(
            f"--{name}-held-out",
            type=int,
            nargs=2,
            metavar=("VALIDATION", "TEST"),
            help="sizes of these splits; by default a tenth and a fifth of the total",
        )
    return parser.parse_args()


def _counts(total: int, held_out: Sequence[int] | None) -> dict[str, int]:
    validation, test = held_out or (total // 10, total // 5)
    train = total - validation - test
    if min(train, validation, test) < 1:
        raise SystemExit(f"{total} images leave {train} for train: each split needs at least 1")
    return dict(zip(SPLITS, (train, validation, test), strict=True))


def load_fonts(fonts: dict[str, str], folder: Path) -> list[ImageFont.FreeTypeFont]:
    """Loads the regular face and, if there is one, the bold face of each font."""
    loaded = []
    for name, expected in fonts.items():
        path = folder / f"fontsource-{name}-{FONT_VERSION}.tgz"
        command = ["npm", "pack", "--silent", f"@fontsource/{name}@{FONT_VERSION}"]
        fetch(path, command, folder, expected)
        with tarfile.open(path) as opened:
            names = set(opened.getnames())
            for weight in (400, 700):
                member = f"package/files/{name}-latin-{weight}-normal.woff2"
                if member in names:
                    data = opened.extractfile(member).read()  # type: ignore[union-attr]
                    loaded.append(ImageFont.truetype(io.BytesIO(data), GLYPH))
    return loaded


def load_photographs(split: str) -> list[np.ndarray]:
    """Loads the photographs of a split, float `(h, w, 3)` in [0, 1]."""
    folder = Path(skimage.__file__).parent / "data"
    return [
        np.asarray(Image.open(folder / name).convert("RGB"), np.float64) / 255.0
        for name in PHOTOGRAPHS[split]
    ]


def draw_street(scenes: dict[str, Scene], counts: dict[str, int]) -> Digits:
    """Renders equally many digits of each class in each split; validation uses train's scene."""
    digits = Digits({}, {})
    for number, (split, count) in enumerate(counts.items()):
        scene = scenes["test" if split == "test" else "train"]
        order = np.random.default_rng([SEED, number]).permutation(count)
        digits.labels[split] = [int(i) % 10 for i in order]
        digits.images[split] = [
            draw_digit(np.random.default_rng([SEED, number, i]), label, scene)
            for i, label in enumerate(digits.labels[split])
        ]
    return digits


def draw_digit(random: np.random.Generator, digit: int, scene: Scene) -> DrawnImage:
    """Renders one street digit, uint8 `(32, 32, 3)`."""
    image = _draw_background(random, scene.photographs)
    ink = _choose_ink(random, image)
    cover = _draw_coverage(random, digit, scene)[..., None]
    if random.random() < 0.35:  # a shadow, or a bright edge under dark ink
        shifted = np.roll(cover, tuple(random.integers(-4, 5, 2)), (0, 1))
        edge = 0.0 if ink @ LUMINANCE > 0.5 else 1.0
        image = image + (edge - image) * shifted * random.uniform(0.2, 0.6)
    image = (image + (ink - image) * cover) * _draw_light(random)
    small = Image.fromarray(np.clip(image * 255.0, 0, 255).astype(np.uint8)).reduce(FINE // SIDE)
    small = small.filter(ImageFilter.GaussianBlur(random.uniform(0.0, 0.7)))
    # Equal in all channels, as film grain is mostly luminance.
    grain = random.normal(0.0, random.uniform(0.0, 3.0), (SIDE, SIDE, 1))
    levels = ((np.asarray(small) + grain) / STEP).round() * STEP
    return np.clip(levels, 0, 255).astype(np.uint8)


def _draw_background(random: np.random.Generator, photographs: Sequence[np.ndarray]) -> np.ndarray:
    """Mixes a crop of a photograph with a plain colour; low contrast keeps the digit legible."""
    photograph = photographs[random.integers(len(photographs))]
    side = int(random.integers(40, 200))
    top, left = (int(random.integers(length - side + 1)) for length in photograph.shape[:2])
    crop = photograph[top : top + side, left : left + side]
    crop = np.rot90(crop, random.integers(4))
    pixels = Image.fromarray((crop * 255.0).astype(np.uint8)).resize((FINE, FINE))
    wall = np.asarray(pixels, np.float64) / 255.0
    middle = wall.mean((0, 1))
    colour = random.uniform(0.05, 0.95, 3) * 0.5 + random.uniform(0.05, 0.95) * 0.5
    texture = (wall - middle) * min(1.0, 0.1 / max(float((wall @ LUMINANCE).std()), 1e-6))
    weight = random.uniform(0.0, 1.0)
    return np.clip(texture + middle * weight + colour * (1.0 - weight), 0.0, 1.0)


def _choose_ink(random: np.random.Generator, background_image: np.ndarray) -> np.ndarray:
    """Samples a colour until its contrast to the background is high enough."""
    background = float((background_image @ LUMINANCE).mean())
    while True:
        pale = random.choice([0.0, 0.0, 1.0])  # inks are mostly black, white or grey-ish
        colour = random.random(3) * (1.0 - pale) + random.random() * pale
        if abs(float(colour @ LUMINANCE) - background) > CONTRAST:
            return colour


def _draw_coverage(random: np.random.Generator, digit: int, scene: Scene) -> np.ndarray:
    """Renders the coverage by ink, `(96, 96)` in [0, 1]: the digit and visible neighbours."""
    font = scene.fonts[random.integers(len(scene.fonts))]
    paper = Image.new("L", (5 * FINE, 2 * FINE))
    pen = ImageDraw.Draw(paper)
    left, top, right, bottom = font.getbbox(str(digit))
    width, height = right - left, bottom - top
    x, y = paper.width / 2 - width / 2, paper.height / 2 - height / 2 - top
    pen.text((x - left, y), str(digit), 255, font)
    gap = random.uniform(0.02, 0.25) * height
    for direction in (-1, 1):
        other = str(random.integers(10))
        start, _, end, _ = font.getbbox(other)
        left_edge = x + width + gap if direction > 0 else x - gap - (end - start)
        if random.random() < 0.65:
            pen.text((left_edge - start, y), other, 255, font)
    digit_height = random.uniform(0.6, 0.86) * FINE  # height of the digit in the image
    stretch = random.uniform(0.85, 1.15)
    scale = min(digit_height / height, 0.8 * FINE / (width * stretch))
    matrix = _matrix_to_paper(random, scale, stretch, scene.max_rotation)
    middle = np.array([paper.width / 2, paper.height / 2])
    corner = middle - matrix @ (FINE / 2 + random.uniform(-0.06, 0.06, 2) * FINE)
    data = (*matrix[0], corner[0], *matrix[1], corner[1])
    visible = paper.transform((FINE, FINE), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    return np.asarray(visible, np.float64) / 255.0


def _matrix_to_paper(
    random: np.random.Generator, scale: float, stretch: float, max_rotation: float
) -> np.ndarray:
    """Returns the matrix from image to paper coordinates: inverse of scale, slant and rotation."""
    angle = np.deg2rad(random.uniform(-max_rotation, max_rotation))
    slant = random.uniform(-0.15, 0.15) * max_rotation / 10.0
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[scale * stretch, slant * scale], [0.0, scale]])
    return np.linalg.inv(rotation @ shape)


def _draw_light(random: np.random.Generator) -> np.ndarray:
    """Returns a linear light gradient, `(96, 96, 1)` around 1."""
    across, down = random.uniform(-0.15, 0.15, 2)
    ramp = np.linspace(-1.0, 1.0, FINE)
    return (1.0 + across * ramp[None] + down * ramp[:, None])[..., None]


def write(folder: Path, street: Digits, mnist: Digits) -> None:
    """Writes street/, mnist/ and their table; replaces those of an earlier run."""
    rows = []
    for name, digits in (("street", street), ("mnist", mnist)):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        for split, images in digits.images.items():
            for i, (pixels, label) in enumerate(zip(images, digits.labels[split], strict=True)):
                file = f"{name}/{split}-{i:05d}.webp"
                Image.fromarray(pixels).save(folder / file, lossless=True)
                a, b = ((file, ""), (label, "")) if name == "street" else (("", file), ("", label))
                rows.append((split, *a, *b))
    with (folder / "street_to_mnist.csv").open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerows([("split", "a", "b", "label_a", "label_b"), *rows])
    total = sum(p.stat().st_size for name in ("street", "mnist") for p in (folder / name).iterdir())
    print(f"street_to_mnist.csv: {dict(Counter(row[0] for row in rows))}")
    print(f"{len(rows)} images, {total / 1e6:.2f} MB, in {folder}")


if __name__ == "__main__":
    main()
