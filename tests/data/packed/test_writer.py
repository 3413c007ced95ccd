"""Packed data sets: loading one gives the same as loading the original."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.image_files import config, plain, save
from tests.marks import slow_but
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.packed import reader, writer
from tf_translate.data.packed.index import RECORDS
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.data.splits import ImageFile
from tf_translate.errors import DataError

SMALL = PackingOptions(shard_bytes=2000)  # a few images a shard
CROPPED = {"load_size": (10, 12), "flip": "horizontal"}
RESIZED = PackingOptions(sizes=((8, 8), (10, 12)), channels=(3,), shard_bytes=2000)
GLASSES = {"glasses": ["0", "1"]}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))


def noise(path, number, *, channels=3):
    """Writes a noise image whose size depends on its number."""
    random = np.random.default_rng(number)
    size = (9 + number % 3, 12 + 2 * (number % 2))
    return save(path, random.integers(0, 256, (*size, channels), np.uint8))


def pack_path(path, output, how=SMALL, layout="auto", **features):
    data, found_layout = find_to_pack(str(path), layout, **features)
    pack(data, output, how, layout=found_layout)
    return output


def ab_folders(root):
    for folder, count in (("trainA", 9), ("trainB", 7), ("testA", 3), ("testB", 2)):
        for number in range(count):
            kind = (".png", ".jpg", ".webp")[number % 3]
            noise(root / folder / f"{'xy'[number % 2]}" / f"{number}{kind}", number + len(folder))
    noise(root / "trainA" / "x" / "glass.png", 50, channels=4)
    turned = Image.fromarray(np.random.default_rng(1).integers(0, 256, (10, 14, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated by 90 degrees
    turned.save(root / "trainA" / "y" / "turned.jpg", exif=exif)
    return root


def named_pairs(root):
    for split, count in (("train", 12), ("val", 3), ("test", 4)):
        for number in range(count):
            for side in "ab":
                noise(root / split / side / f"{number}.png", number + ord(side))
    return root


def side_by_side(root):
    for split, count in (("train", 10), ("test", 3)):
        for number in range(count):
            noise(root / split / f"{number}.png", number)
    return root


def domain_table(root):
    lines = ["split,a,b,label_a,label_b"]
    for number in range(12):
        noise(root / "p" / f"{number}.png", number)
        a = f"p/{number}.png,,{'uv'[number % 2]}," if number % 3 else f",p/{number}.png,,{number}"
        split, a_cell = ("train", "test")[number > 8], a.split(",")
        lines.append(f"{split},{a_cell[0]},{a_cell[1]},{a_cell[2]},{a_cell[3]}")
    (root / "table.csv").write_text("\n".join(lines) + "\n")
    return root / "table.csv"


def faces(root, *, split=True):
    """People with and without glasses, two images each."""
    lines = ["image,split,person,glasses,hair" if split else "image,person,glasses,hair"]
    for number in range(24):
        noise(root / "faces" / f"{number}.png", number)
        of = ("train", "train", "validation", "test")[number // 6] + "," if split else ""
        hair = ("black", "blond")[number // 2 % 2]
        lines.append(f"faces/{number}.png,{of}p{number // 2},{number % 2},{hair}")
    (root / "faces.csv").write_text("\n".join(lines) + "\n")
    return root / "faces.csv"


def assert_same_batches(one, other, *, start_step=0):
    """Asserts that the first batches of two data sets are equal, value by value."""
    batches = [
        data.training(batch_size=3, seed=7, start_step=start_step).take(6) for data in (one, other)
    ]
    for expected, got in zip(*map(list, batches), strict=True):
        assert expected.keys() == got.keys()
        for name, tensor in expected.items():
            np.testing.assert_array_equal(got[name], tensor, strict=True)


def assert_same_domains(one, other):
    assert other.splits == one.splits
    assert (other.classes, other.paired, other.epoch_size) == (
        one.classes, one.paired, one.epoch_size,
    )  # fmt: skip
    assert (other.fingerprint, other.skipped) == (one.fingerprint, one.skipped)
    assert_same_batches(one, other)
    assert_same_batches(one, other, start_step=5)
    for split in one.splits:
        assert other.has_truth(split) == one.has_truth(split)
        for expected, got in zip(one.arrays(split), other.arrays(split), strict=True):
            np.testing.assert_array_equal(got, expected, strict=True)
        for side in "ab":
            assert other.names(split, side) == one.names(split, side)
            np.testing.assert_array_equal(other.labels(split, side), one.labels(split, side))


DOMAINS = {
    "ab_folders": (ab_folders, "auto"),
    "named_pairs": (named_pairs, "auto"),
    "side_by_side": (side_by_side, "side_by_side"),
    "table": (domain_table, "auto"),
}


@pytest.mark.parametrize("how", [SMALL, RESIZED], ids=["original files", "resized"])
@pytest.mark.parametrize("form", slow_but(DOMAINS, "named_pairs", "table"))
def test_two_domains_are_the_same_when_packed(tmp_path, form, how):
    write, layout = DOMAINS[form]
    path = write(tmp_path / "original")
    output = pack_path(path, tmp_path / "packed", how, layout)
    settings = {"validation_share": 0.2, **CROPPED}
    assert_same_domains(
        open_domain_dataset(config(path, layout=layout, **settings)),
        open_domain_dataset(config(output, layout=layout, **settings)),
    )


@pytest.mark.slow
def test_a_packed_set_of_original_files_can_be_read_with_every_setting(tmp_path):
    path = ab_folders(tmp_path / "original")
    output = pack_path(path, tmp_path / "packed")
    for settings in (
        {"size": (5, 6), "channels_a": 1, "channels_b": 4},
        {"direction": "b_to_a", "cache": "disk"},
        {"validation_share": 0.4, "cache": "none"},
        {"holdout": "hash", "test_share": 0.4},
    ):
        assert_same_domains(
            open_domain_dataset(config(path, **settings)),
            open_domain_dataset(config(output, **settings)),
        )


ONE_SET = [
    (faces, {}),
    (faces, {"where": {"hair": "blond"}, "group_column": "person"}),
    (lambda root: faces(root, split=False), {"group_column": "person"}),
]


@pytest.mark.parametrize("how", [SMALL, RESIZED], ids=["original files", "resized"])
@pytest.mark.parametrize(
    ("write", "settings"), ONE_SET, ids=["split column", "where", "split by hash"]
)
def test_attributes_are_the_same_when_packed(tmp_path, write, settings, how):
    path = write(tmp_path)
    output = pack_path(path, tmp_path / "packed", how)
    one, other = (
        open_attribute_dataset(config(root, attributes=GLASSES, **settings, **CROPPED))
        for root in (path, output)
    )
    assert (other.splits, other.fingerprint) == (one.splits, one.fingerprint)
    assert_same_batches(one, other)
    for split, count in one.splits.items():
        assert other.groups(split) == one.groups(split)
        np.testing.assert_array_equal(other.values(split), one.values(split), strict=True)
        at = range(count)
        np.testing.assert_array_equal(other.images(split, at=at), one.images(split, at=at))


@pytest.mark.thorough
def test_a_packed_table_is_split_into_domains_by_any_of_its_columns(tmp_path):
    path = faces(tmp_path)
    output = pack_path(path, tmp_path / "packed")
    for domain, label in (("glasses", "hair"), ("hair", None)):
        a, b = ("0", "1") if domain == "glasses" else ("black", "blond")
        settings = {"domain_column": domain, "domain_a": a, "domain_b": b, "label_column": label}
        assert_same_domains(
            open_domain_dataset(config(path, **settings)),
            open_domain_dataset(config(output, **settings)),
        )


def test_ages_are_the_same_when_packed(tmp_path):
    for number in range(24):
        noise(tmp_path / "people" / f"{15 + number}_0_2_2017{number:04d}.jpg", number)
    plain(tmp_path / "people" / "who.png", 1)
    output = pack_path(tmp_path / "people", tmp_path / "packed", layout="ages")
    ages = {"age": ["0-24", "25+"]}
    one, other = (
        open_attribute_dataset(config(root, attributes=ages))
        for root in (tmp_path / "people", output)
    )
    assert (other.splits, other.skipped) == (one.splits, one.skipped)
    assert other.fingerprint == one.fingerprint
    assert_same_batches(one, other)


@pytest.mark.parametrize("split", [True, False])
def test_one_image_set_is_the_same_when_packed(tmp_path, split):
    for number in range(20):
        of = ("train", "val", "test")[number % 3] if split else "deep/er"
        noise(tmp_path / "images" / of / f"{number}.png", number)
    output = pack_path(tmp_path / "images", tmp_path / "packed", layout="images")
    one, other = (open_image_dataset(config(root)) for root in (tmp_path / "images", output))
    assert (other.splits, other.fingerprint) == (one.splits, one.fingerprint)
    assert_same_batches(one, other)


def test_shards_are_tfrecords_of_the_original_files(tmp_path):
    """Reads with TensorFlow, which verifies the checksums of TFRecord."""
    path = ab_folders(tmp_path / "original")
    output = pack_path(path, tmp_path / "packed")
    shards = sorted(map(str, output.glob("*.tfrecord")))
    found = list(tf.data.TFRecordDataset(shards).as_numpy_iterator())
    files = [
        file
        for name in ("trainA", "trainB", "testA", "testB")
        for file in sorted((path / name).rglob("*.*"), key=lambda file: str(file.with_suffix("")))
    ]
    assert found == [file.read_bytes() for file in files]
    assert len(shards) > 3
    positions = np.load(output / RECORDS)
    assert positions["bytes"].tolist() == [file.stat().st_size for file in files]


def test_shards_are_as_large_as_requested(tmp_path):
    path = side_by_side(tmp_path / "original")
    output = pack_path(path, tmp_path / "packed", layout="side_by_side")
    sizes = [shard.stat().st_size for shard in sorted(output.glob("*.tfrecord"))]
    largest = max(file.stat().st_size for file in path.rglob("*.png"))
    assert max(sizes) <= 2000
    assert min(sizes[:-1]) > 2000 - largest - 16  # another image would not have fitted
    # Both halves of an image are one record.
    assert sum(sizes) == sum(f.stat().st_size + 16 for f in path.rglob("*.png"))


def test_images_are_read_from_many_threads(tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(reader, "_OPEN_SHARDS", 1)  # files are opened and closed all the time
    path = named_pairs(tmp_path / "original")
    images = reader.read_source(reader.PackedDataset(pack_path(path, tmp_path / "packed"))).splits
    files = images["train"].a.files * 40
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda image: image.read_bytes(), files))
    by_name = [(path / "train" / "a" / f"{file.name}.png").read_bytes() for file in files]
    assert found == by_name


def test_opening_a_packed_set_reads_no_image(tmp_path, monkeypatch):
    output = pack_path(named_pairs(tmp_path / "original"), tmp_path / "packed")
    monkeypatch.setattr(reader.PackedDataset, "read_record", lambda *_: pytest.fail("read"))
    data = open_domain_dataset(config(output, cache="none"))
    assert data.splits["train"] == (12, 12)


@pytest.mark.thorough
def test_damaged_images_stop_packing_or_are_recorded_as_damaged(tmp_path):
    path = ab_folders(tmp_path / "original")
    (path / "trainA" / "x" / "0.png").write_bytes(b"")
    (path / "testB" / "x" / "0.png").write_text("no image")
    with pytest.raises(DataError, match=r"2 images cannot be decoded.*--on-error skip") as raised:
        pack_path(path, tmp_path / "packed")
    assert "x/0.png is empty" in str(raised.value)
    assert sorted(tmp_path.iterdir()) == [path]
    output = pack_path(path, tmp_path / "packed", PackingOptions(on_error="skip"))
    with pytest.raises(DataError, match=r"2 images of the data set packed in .*cannot be decoded"):
        open_domain_dataset(config(output))
    for cache in ("none", "memory"):
        one, other = (
            open_domain_dataset(config(root, on_error="skip", cache=cache, validation_share=0.3))
            for root in (path, output)
        )
        assert len(other.skipped) == 2
        assert_same_domains(one, other)


def test_interrupted_packing_leaves_no_files(tmp_path):
    path = named_pairs(tmp_path / "original")
    data, layout = find_to_pack(str(path))

    def stop(done, total):
        if done == 20:
            assert list(tmp_path.glob(".packed.*.partial/*.tfrecord"))
            assert not list(tmp_path.glob(".packed.*.partial/packed.json"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(data, tmp_path / "packed", SMALL, layout=layout, progress=stop)
    assert sorted(tmp_path.iterdir()) == [path]


def test_few_images_are_in_memory_at_a_time_and_progress_counts_each(tmp_path, monkeypatch):
    path = plain(tmp_path / "one.png", 1)
    monkeypatch.setattr(writer, "_AHEAD", 4)
    root = tmp_path / "original"
    for number in range(60):
        for folder in ("trainA", "trainB"):
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / f"{number}.png").hardlink_to(path)
    read_bytes, reads = ImageFile.read_bytes, []
    monkeypatch.setattr(
        ImageFile, "read_bytes", lambda self: (reads.append(1), read_bytes(self))[1]
    )
    data, layout = find_to_pack(str(root))
    calls = []

    def progress(done, total):
        assert len(reads) <= done + 4 + 1
        calls.append((done, total))

    pack(data, tmp_path / "packed", SMALL, layout=layout, progress=progress)
    assert calls == [(i, 120) for i in range(1, 121)]


def test_an_ambiguous_folder_needs_the_option_layout(tmp_path):
    side_by_side(tmp_path / "pairs")
    with pytest.raises(DataError, match="choose --layout side_by_side, images or ages"):
        find_to_pack(str(tmp_path / "pairs"))
    noise(tmp_path / "images" / "1.png", 1)
    with pytest.raises(DataError, match="choose --layout images or ages"):
        find_to_pack(str(tmp_path / "images"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        find_to_pack(str(tmp_path / "empty"))
    with pytest.raises(DataError, match="there is no folder"):
        find_to_pack(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"--layout must be one of auto, .*got 'unknown'"):
        find_to_pack(str(tmp_path / "images"), "unknown")


def test_a_packed_set_cannot_be_packed_again(tmp_path):
    output = pack_path(named_pairs(tmp_path / "original"), tmp_path / "packed")
    with pytest.raises(DataError, match="is already packed"):
        find_to_pack(str(output))


def test_an_existing_folder_is_never_overwritten(tmp_path):
    data, layout = find_to_pack(str(named_pairs(tmp_path / "original")))
    (tmp_path / "packed").mkdir()
    with pytest.raises(DataError, match="--output must be a new folder"):
        pack(data, tmp_path / "packed", SMALL, layout=layout)
    assert not list((tmp_path / "packed").iterdir())
