"""What the comments of presets state about their data and steps, counted anew.

A comment states the training images as "Data: trains on N of M images" and the steps of a stage as
"Steps of STAGE: N epochs of M training images, K a step = STEPS" (or "Steps: ..." without stages).
"""

import functools
import math
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest

from tests.marks import slow_but
from tf_translate import config as config_package
from tf_translate.data.holdout import split_domains
from tf_translate.data.layouts.attribute_table import AttributeTable
from tf_translate.data.layouts.domains_by_attribute import read_attribute_domains
from tf_translate.data.splits import DomainSource, ImageFile, ImageFileList, Split
from tf_translate.data.table_splits import assign_splits
from tf_translate.experiment.build import build, stage_ends
from tf_translate.experiment.configure import resolve
from tf_translate.methods import registry

FOLDER = Path(config_package.__file__).parent / "presets"
COMMENTS = {
    file.stem: " ".join(
        line[1:].strip() for line in file.read_text("utf-8").splitlines() if line.startswith("#")
    )
    for file in sorted(FOLDER.glob("*.toml"))
}
PUBLISHED = "_paper", "_simple", "_code"  # presets of papers and of their authors' codes
PAPERS = [name for name in COMMENTS if name.endswith(PUBLISHED)]
_N = r"([\d,]*\d)"
DATA = re.compile(rf"Data: trains on (about )?{_N}(?: and {_N})? of {_N}(?: and {_N})? (?:im|pai)")
STEPS = re.compile(rf"Steps(?: of (\w+))?: ([^=.]* = )?{_N}")
EPOCHS = re.compile(rf"{_N} epochs of {_N} ([\w ]+), {_N} a step = ")
BURSTS = re.compile(rf"{_N} iterations, every {_N}th with {_N} more = ")
STATED = [(name, match) for name, text in COMMENTS.items() for match in STEPS.finditer(text)]

# Sizes of the papers' data sets: facades as pix2pix and TFDS have it, horse2zebra, SVHN and MNIST
# as TFDS has them, and CelebA's list_eval_partition.txt.
DOMAINS = {
    "facades": {"train": (400, 400), "validation": (100, 100), "test": (106, 106)},
    "tfds:cycle_gan/facades": {"train": (400, 400), "test": (106, 106)},
    "tfds:cycle_gan/horse2zebra": {"train": (1067, 1334), "test": (120, 140)},
    "tfds:svhn_cropped[extra]->mnist[test]": {
        "train": (531_131, 10_000),
        "test": (26_032, 60_000),
    },
}
CELEBA = {"train": 162_770, "val": 19_867, "test": 19_962}
IMAGES = sum(CELEBA.values())
WITH = {"Male": 84_434, "Eyeglasses": 13_193}  # images of CelebA with these attributes
AGES = 120_000  # IMDB-Wiki as cleaned by Age-cGAN's authors
SIZE = (32, 32)  # of the networks that only count steps


def number(text):
    return int(text.replace(",", ""))


def configured(name):
    """The configuration that the command of a preset gives."""
    command = re.search(r"tf-translate train (\S+(?: --set \S+)*)", COMMENTS[name])
    source, *words = shlex.split(command[1])
    assert source == name
    return resolve(name, [word for word in words if word != "--set"])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Builds the translator of a configuration with small networks, once for each."""
    file = tmp_path_factory.mktemp("given") / "network.keras"
    layers = [keras.Input((*SIZE, 3)), keras.layers.Flatten(), keras.layers.Dense(6)]
    keras.Sequential(layers).save(file)

    @functools.cache
    def build_small(name, *, by_its_command=True):
        config = configured(name) if by_its_command else resolve(name)
        given = {key for key, value in config.model.items() if str(value).endswith(".keras")}
        tiny = registry.find(config.method).translator.conformance.settings
        sizes = {
            key: value
            for key, value in tiny.items()
            if not isinstance(value, str) and key != "discriminator_burst_turns"
        }
        model = config.model | sizes | dict.fromkeys(given, str(file))
        data = config.data.model_copy(update={"size": SIZE, "load_size": None})
        return config, build(config.model_copy(update={"model": model, "data": data}))

    return build_small


def steps_by_stage(config, translator):
    """The number of steps of each stage, and of all ("")."""
    ends = stage_ends(config.training, translator)
    starts = [0, *(end for _, end in ends)]
    steps = {stage: end - start for (stage, end), start in zip(ends, starts, strict=False)}
    return {**steps, "": config.training.steps}


def check(name, stage, terms, stated, *, config, translator):
    """Checks one statement of steps; `terms` is what stands before its result."""
    assert stated == steps_by_stage(config, translator)[stage]
    if match := EPOCHS.fullmatch(terms):
        epochs, images, per_step = (number(match[group]) for group in (1, 2, 4))
        batches = {
            config.training.batch_size * len(set(player.microbatches))
            for player in translator.players
            if stage in ("", player.stage)
        }
        all_microbatches = {i for player in translator.players for i in player.microbatches}
        assert per_step in {*batches, config.training.batch_size * len(all_microbatches)}
        whole, exact = images // per_step, epochs * images / per_step
        assert stated in (epochs * whole, epochs * math.ceil(images / per_step), round(exact))
        if match[3].startswith("training"):
            data = DATA.search(COMMENTS[name])
            assert match[2] in (data[2], data[3])
    elif match := BURSTS.fullmatch(terms):
        iterations, every, more = map(number, match.groups())
        settings = translator.settings
        assert every == settings.discriminator_burst_every
        assert more == settings.discriminator_burst_turns - 1
        assert stated == iterations + math.ceil(iterations / every) * more
    else:
        assert not terms


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_preset_states_its_data_and_the_steps_of_every_stage(name, small):
    assert DATA.search(COMMENTS[name])
    _, translator = small(name)
    stages = translator.stages
    stated = [match[1] for match in STEPS.finditer(COMMENTS[name])]
    assert stated == ([None] if len(stages) == 1 else list(stages))


@pytest.mark.parametrize("name", PAPERS)
def test_size_and_batch_of_the_first_sentence_are_those_of_the_preset(name):
    sentence = COMMENTS[name].partition("tf-translate train")[0]
    config = resolve(name)
    sizes, batches = (
        re.findall(rule, sentence) for rule in (r"(\d+) pixels", r"batch(?:es of)? (\d+)")
    )
    assert len(sizes + batches) >= 1
    assert {*sizes} <= {str(config.data.size[0])}
    assert {*batches} <= {str(config.training.batch_size)}


@pytest.mark.parametrize(
    ("name", "match"), STATED, ids=[f"{name}-{match[1] or 'all'}" for name, match in STATED]
)
def test_stated_steps_follow_from_the_stated_epochs_and_are_trained(name, match, small):
    config, translator = small(name)
    known = {"config": config, "translator": translator}
    stage, terms, steps = match[1] or "", match[2] or "", number(match[3])
    check(name, stage, terms, steps, **known)
    with pytest.raises(AssertionError):
        check(name, stage, terms, steps + 1, **known)
    for found in re.finditer(r"^[\d,]+|[\d,]+(?= a step| more)", terms):  # epochs, images a step
        wrong = f"{terms[: found.start()]}{number(found[0]) + 1}{terms[found.end() :]}"
        with pytest.raises(AssertionError):
            check(name, stage, wrong, steps, **known)


def test_the_stage_of_an_own_identity_embedder_is_as_long_as_stated(small):
    steps = steps_by_stage(*small("age_cgan_paper", by_its_command=False))
    text = f"trained first, in {steps['identity_embedder']:,} of the encoder's steps"
    assert text in COMMENTS["age_cgan_paper"]


# Data


def domains(config, sizes):
    """Two domains of these sizes."""
    splits = {
        split: Split(*(files(split, count) for count in counts), aligned=config.method == "pix2pix")
        for split, counts in sizes.items()
    }
    return DomainSource("the data of the paper", splits)


def files(split, count):
    return ImageFileList([ImageFile("", f"{split}/{i}") for i in range(count)])


@functools.cache
def celeba():
    """CelebA's list with two columns: the images with an attribute are spread over it evenly."""
    splits = [split for split, count in CELEBA.items() for _ in range(count)]
    rows = []
    for i, split in enumerate(splits):
        row = {"image": f"{i + 1:06d}.jpg", "split": split}
        for column, count in WITH.items():
            row[column] = "1" if (i + 1) * count // IMAGES > i * count // IMAGES else "-1"
        rows.append((f"line {i + 3}", row))
    return table(rows, ("image", "split", *WITH))


def table(rows, columns):
    def open_images(rows, labels):
        return SimpleNamespace(names=range(len(rows)), labels=labels)

    return AttributeTable(Path("list_attr_celeba.txt"), columns, rows, Path(), open_images)


def count_training(config):
    """The images of the paper's data set that a preset trains on, and all; by domain."""
    if config.data.path in DOMAINS:
        sizes = DOMAINS[config.data.path]
        train = split_domains(domains(config, sizes), config.data).splits["train"]
        totals = [sum(counts) for counts in zip(*sizes.values(), strict=True)]
        return [len(train.a.names), len(train.b.names)], totals
    if config.method == "age_cgan":
        rows = [(f"{i}", {"image": f"{i % 100:02d}/{i}.jpg"}) for i in range(AGES)]
        found = assign_splits(table(rows, ("image",)), rows, config.data)
        return [len(found["train"])], [AGES]
    column = config.data.domain_column
    if column:
        train = read_attribute_domains(celeba(), config.data).splits["train"]
        totals = [WITH[column], IMAGES - WITH[column]]
        return [len(train.a.names), len(train.b.names)], totals
    found = assign_splits(celeba(), celeba().rows, config.data)
    return [len(found["train"])], [IMAGES]


@pytest.mark.thorough
@pytest.mark.parametrize(  # those of CelebA, SVHN and IMDB-Wiki list 120,000 to 557,000 images
    "name", slow_but(PAPERS, "cyclegan_paper", "dualgan_paper", "dualgan_code", "pix2pix_paper")
)
def test_a_paper_preset_trains_on_as_many_images_of_its_data_set_as_stated(name):
    about, *numbers = DATA.search(COMMENTS[name]).groups()
    numbers = [number(text) for text in numbers if text]
    config = configured(name)
    training, totals = count_training(config)
    if config.method == "pix2pix":  # pairs
        training, totals = training[:1], totals[:1]
    tolerance = 0.005 if about else 0  # by hash
    assert numbers == pytest.approx([*training, *totals], rel=tolerance, abs=0)
