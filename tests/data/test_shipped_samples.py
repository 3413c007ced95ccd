"""The shipped samples: complete, clean, and without leaks between splits."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.data.image_files import config
from tf_translate import images
from tf_translate.data import shipped_samples
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.layouts.detect import find_domains
from tf_translate.errors import DataError

EMOJI = ("flat_to_3d", "line_to_3d", "3d_to_noto")
STYLES = ("fluent_flat", "fluent_line", "fluent_3d", "noto")
GENDERED = {"1f468": "1f9d1", "1f469": "1f9d1", "1f466": "1f9d2", "1f467": "1f9d2"}
TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}


def rows(name):
    with shipped_samples.sample_table(name).open(newline="") as opened:
        return list(csv.DictReader(opened))


def codes(name, split, side):
    return {Path(r[side]).stem for r in rows(name) if r["split"] == split and r[side]}


def bases(found):
    parts = ([GENDERED.get(p, p) for p in code.split("-")] for code in found)
    return {"-".join(p for p in code if p not in ("200d", "2640", "2642")) for code in parts}


def test_the_tables_have_the_numbers_of_images_in_the_notice():
    assert shipped_samples.count_samples() == {
        "avatars": {"train": "2400", "validation": "100", "test": "256"},
        "3d_to_noto": {"train": "512 + 512", "validation": "32 pairs", "test": "128 pairs"},
        "flat_to_3d": {"train": "832 pairs", "validation": "64 pairs", "test": "128 pairs"},
        "line_to_3d": {"train": "384 pairs", "validation": "32 pairs", "test": "96 pairs"},
        "street_to_mnist": {"train": "700 + 700", "validation": "100 + 100", "test": "200 + 200"},
        "tones": {"train": "576", "validation": "72", "test": "120"},
    }


@pytest.mark.parametrize("name", EMOJI)
def test_every_listed_image_exists_is_square_and_on_white(name):
    data = open_domain_dataset(config(f"samples:{name}", size=(64, 64)))
    for split in data.splits:
        for batch in data.arrays(split):
            assert batch.shape[1:] == (64, 64, 3)
            # Rendered on white: of the outermost pixels most are white in nearly all images.
            frame = np.concatenate([batch[:, [0, -1]], batch[:, :, [0, -1]].swapaxes(1, 2)], 1)
            white = (frame > 0.97).all(-1).mean((1, 2))
            assert np.median(white) > 0.9
            assert batch.reshape(len(batch), -1).std(axis=1).min() > 0.02


def test_held_out_images_are_the_test_images_of_the_first_domain():
    flat, heads = map(shipped_samples.held_out_images, ("flat_to_3d", "avatars"))
    assert {file.stem for file in flat} == codes("flat_to_3d", "test", "a")
    assert {file.parent.name for file in flat} == {"fluent_flat"}
    assert len(heads) == 256
    assert all(file.is_file() for file in flat + heads)


@pytest.mark.slow
def test_every_shipped_image_is_listed_in_a_table():
    columns = ("a", "b", "image")
    cells = {
        r.get(column)
        for name in shipped_samples.sample_names()
        for r in rows(name)
        for column in columns
    }
    listed = cells - {"", None}
    shipped = {
        p.relative_to(shipped_samples.samples_folder()).as_posix()
        for p in shipped_samples.samples_folder().rglob("*.webp")
    }
    assert shipped == listed


def test_pairs_show_one_code_point_and_unpaired_training_shares_none():
    for name in ("flat_to_3d", "line_to_3d"):
        assert all(Path(r["a"]).stem == Path(r["b"]).stem for r in rows(name))
    assert not bases(codes("3d_to_noto", "train", "a")) & bases(codes("3d_to_noto", "train", "b"))
    held_out = [r for r in rows("3d_to_noto") if r["split"] != "train"]
    assert all(Path(r["a"]).stem == Path(r["b"]).stem for r in held_out)


def test_a_code_point_and_its_genders_are_in_the_same_split_of_all_tables():
    codes_by_split = {
        split: bases(set().union(*(codes(n, split, s) for n in EMOJI for s in "ab")))
        for split in ("train", "validation", "test")
    }
    assert not codes_by_split["train"] & codes_by_split["test"]
    assert not codes_by_split["train"] & codes_by_split["validation"]
    assert not codes_by_split["validation"] & codes_by_split["test"]


def test_emoji_samples_have_no_skin_tones_and_variation_selectors():
    paths = [
        path
        for style in STYLES
        for path in (shipped_samples.samples_folder() / style).glob("*.webp")
    ]
    every = [path.stem.split("-") for path in paths]
    assert every
    assert not any(TONES & set(parts) or "fe0f" in parts for parts in every)


def test_flat_and_3d_outlines_of_a_pair_overlap_and_those_of_other_pairs_do_not():
    a, b = open_domain_dataset(config("samples:flat_to_3d", size=(64, 64))).arrays("test")
    inside_a, inside_b = ((side < 0.9).any(-1) for side in (a, b))

    def overlap(left, right):
        return ((left & right).sum((1, 2)) / (left | right).sum((1, 2))).mean()

    assert overlap(inside_a, inside_b) > 0.85
    assert overlap(inside_a, np.roll(inside_b, 1, axis=0)) < 0.6


@pytest.mark.slow
def test_no_held_out_image_nearly_equals_a_training_image():
    data = open_domain_dataset(config("samples:flat_to_3d", size=(32, 32)))
    train, test = (images.to_uint8(data.arrays(split)[1]) / 255.0 for split in ("train", "test"))
    nearest = min(np.abs(train - image).mean((1, 2, 3)).min() for image in test)
    assert nearest > 0.035  # clock faces differ from each other by less than 0.03


def digits(**settings):
    return open_domain_dataset(
        config("samples:street_to_mnist", size=(32, 32), channels_b=1, **settings)
    )


def test_digits_have_every_class_equally_often_in_both_domains():
    data = digits()
    assert data.classes == tuple("0123456789")
    for split, (count, _) in data.splits.items():
        for side in "ab":
            found = np.bincount(data.labels(split, side), minlength=10)
            assert found.tolist() == [count // 10] * 10


def test_digits_are_distinct_and_mnist_digits_have_a_black_border():
    data = digits()
    a, b = (np.concatenate([data.arrays(s)[d] for s in data.splits]) for d in (0, 1))
    assert len({image.tobytes() for image in a}) == len(a) == 1000
    assert len({image.tobytes() for image in b}) == len(b) == 1000
    assert (b[:, [0, 1, -2, -1]] == -1.0).all()
    assert (b[:, :, [0, 1, -2, -1]] == -1.0).all()


@pytest.mark.slow
def test_street_digits_have_contrast_and_mnist_labels_match_the_pixels():
    data = digits()
    a, b = data.arrays("train")
    # Light and dark lie far apart in every street digit: 5 % quantiles of grey, on a scale of 2.
    grey = a.mean(-1).reshape(len(a), -1)
    assert np.median(np.quantile(grey, 0.95, 1) - np.quantile(grey, 0.05, 1)) > 0.6
    # For most held-out MNIST digits the nearest training image has the same class; chance: 0.1.
    held_out = data.arrays("test")[1].reshape(200, -1)
    nearest = ((held_out[:, None] - b.reshape(1, 700, -1)) ** 2).sum(-1).argmin(1)
    assert (data.labels("train", "b")[nearest] == data.labels("test", "b")).mean() > 0.8


def test_avatars_are_split_into_domains_by_an_attribute():
    domains = {"domain_column": "glasses", "domain_a": "1", "domain_b": "0"}
    avatars = find_domains(config("samples:avatars", **domains))
    sizes = {name: (len(s.a.names), len(s.b.names)) for name, s in avatars.splits.items()}
    assert sizes == {"train": (1166, 1234), "validation": (55, 45), "test": (128, 128)}
    glasses = {Path(row["image"]).stem: row["glasses"] for row in rows("avatars")}
    for split in avatars.splits.values():
        assert not split.aligned
        for side, value in ((split.a, "1"), (split.b, "0")):
            assert {glasses[Path(name).stem] for name in side.names} == {value}
    bearded = find_domains(config("samples:avatars", where={"beard": "1"}, **domains))
    assert len(bearded.splits["test"].a.names) == 64
    with pytest.raises(
        DataError, match=r"set data\.domain_column, data\.domain_a and data\.domain_b"
    ):
        find_domains(config("samples:avatars"))
    with pytest.raises(DataError, match="domain_column is for tables with a column image"):
        find_domains(config("samples:flat_to_3d", **domains))


def tones():
    settings = {"attributes": {"tone": list("012345")}, "group_column": "person"}
    return open_attribute_dataset(config("samples:tones", size=(64, 64), **settings))


def test_every_person_has_six_tones_in_one_split_with_its_other_genders():
    people = {split: {} for split in ("train", "validation", "test")}
    for row in rows("tones"):
        people[row["split"]].setdefault(row["person"], []).append(row["tone"])
    assert {split: len(found) for split, found in people.items()} == {
        "train": 96,
        "validation": 12,
        "test": 20,
    }
    assert all(found == list("012345") for of in people.values() for found in of.values())
    codes_by_split = {
        split: bases(
            Path(r["image"]).stem.rpartition("-")[0] for r in rows("tones") if r["split"] == split
        )
        for split in people
    }
    assert not codes_by_split["train"] & (codes_by_split["validation"] | codes_by_split["test"])
    assert not codes_by_split["validation"] & codes_by_split["test"]


def test_tones_of_a_person_are_one_group_and_differ_in_colour_but_not_in_outline():
    data = tones()
    assert data.splits == {"train": 576, "validation": 72, "test": 120}
    for split, count in data.splits.items():
        pixels = data.images(split, at=range(count)).reshape(count // 6, 6, 64, 64, 3)
        groups = data.groups(split)
        assert all(len(set(groups[i : i + 6])) == 1 for i in range(0, count, 6))
        assert len(set(groups)) == count // 6
        assert (data.values(split).reshape(-1, 6, 6) == np.eye(6)).all()
        # Pixels outside the person are white in all tones: no tone changes the outline.
        white = (pixels > 0.98).all(-1)
        assert (white == white[:, :1]).mean() > 0.97
        steps = np.abs(np.diff(pixels, axis=1)).max(-1) > 8 / 127.5
        assert steps.mean((2, 3)).min() >= 0.15


def test_tones_1_to_5_are_ordered_from_light_to_dark():
    data = tones()
    pixels = data.images("train", at=range(576)).reshape(96, 6, 64, 64, 3)
    brightness = np.mean(pixels, axis=(2, 3, 4))
    # Hair is lighter in tone 2 (blond) than in 1 (black): compare the others.
    order = brightness[:, [1, 3, 4, 5]]
    assert (np.diff(order) < 0).mean() > 0.95


def test_unknown_and_missing_samples_raise_an_error_with_a_suggestion(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="did you mean samples:flat_to_3d"):
        find_domains(config("samples:flat_to_3D"))
    monkeypatch.setenv("TF_TRANSLATE_SAMPLES", str(tmp_path))
    with pytest.raises(DataError, match="set TF_TRANSLATE_SAMPLES to the folder assets/samples"):
        find_domains(config("samples:flat_to_3d"))
